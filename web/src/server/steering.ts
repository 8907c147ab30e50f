// Switches one of the robot's domains through the panel's REST interface.

import { Problem, send } from "./rest";

export const CHOICES = ["pc", "local", "automatic"] as const;
export type Choice = (typeof CHOICES)[number];

/** The result of a switch. `problem`: why it is not confirmed; empty: it is. */
export interface Outcome { accepted: boolean; confirmed: boolean; problem: string; remedy: string }

export async function choose(domain: string, choice: Choice): Promise<Outcome> {
  try {
    const { body } = await send("PATCH", `/robots/rider/domains/${encodeURIComponent(domain)}`, { choice });
    const { confirmed, problem } = body as { confirmed: boolean; problem: string };
    return { accepted: true, confirmed, problem, remedy: "" };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { accepted: false, confirmed: false, problem: error.message, remedy: error.remedy };
  }
}
