// Switches one of the robot's domains through the panel's HTTP interface.

import { ROOT } from "./root";
import { strings } from "./strings";

export const CHOICES = ["pc", "local", "automatic"] as const;
export type Choice = (typeof CHOICES)[number];

/** The result of a switch. `problem`: why it is not confirmed; empty: it is. */
export interface Outcome { accepted: boolean; confirmed: boolean; problem: string; remedy: string }

/** The panel waits 5 s for the link; a panel that does not answer at all is given up after this time. */
const LIMIT_MS = 9_000;
const ROBOT = `${ROOT}/api/v1/robots/rider`;

export async function choose(domain: string, choice: Choice): Promise<Outcome> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LIMIT_MS);
  try {
    const response = await fetch(`${ROBOT}/domains/${encodeURIComponent(domain)}`, {
      method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ choice }),
      signal: stop.signal,
    });
    return outcome(response, await response.json().catch(() => null));
  } catch {
    return { accepted: false, confirmed: false, problem: strings.robot.noPanel, remedy: "" };
  } finally {
    clearTimeout(timer);
  }
}

function outcome(response: Response, body: unknown): Outcome {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (key: string): string => (typeof fields[key] === "string" ? fields[key] : "");
  if (response.ok) return { accepted: true, confirmed: fields["confirmed"] === true, problem: text("problem"), remedy: "" };
  return {
    accepted: false, confirmed: false, problem: text("message") || strings.robot.refused(response.status),
    remedy: text("remedy"),
  };
}
