// Switches the robot's domains, one or all, through the panel's REST interface.

import type { Domain } from "./messages";
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

export type Choices = Partial<Record<string, Choice>>;

/** Choose for several domains in one step. The answer says which of them the robot has not confirmed, and why. */
export async function chooseAll(choices: Choices): Promise<{ domain: string; confirmed: boolean; problem: string }[]> {
  const { body } = await send("PATCH", "/robots/rider/domains", { choices });
  const { switched } = body as { switched: { domain: { domain: string }; confirmed: boolean; problem: string }[] };
  return switched.map(({ domain, confirmed, problem }) => ({ domain: domain.domain, confirmed, problem }));
}

/** The choices that bring back what there was before a switch of all. */
export function choicesBefore(before: Record<string, Domain>, now: Record<string, Domain>): Choices {
  return Object.fromEntries(Object.entries(before).map(([name, { choice, mode }]) => {
    if (choice === "pc" || choice === "local") return [name, choice];
    // "Automatic" takes a domain to the PC, and never away from there.
    return [name, mode === "local" && now[name]?.mode === "pc" ? "local" : "automatic"];
  }));
}
