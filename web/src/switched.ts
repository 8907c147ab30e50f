// Who switched a domain, and why, in the page's language: the link and the robot tell it in English.

import { strings } from "./strings";
import { told } from "./told";

/** Prefixes of reasons: of the link's own switches, and of those that a person made through Rider-PC. */
export const OURS = "rider-pc: ";
export const SET_HERE = "set at rider-pc by ";

/** Where it was switched, with the name of who has signed in. */
export function who(by: string): string {
  const [, where = by, name = ""] = /^(.*?)( \(.*\))?$/.exec(by) ?? [];
  return (strings.robot.who[where] ?? where) + name;
}

/** The reason of a switch without what `who` tells. */
export function why(reason: string): string {
  if (reason.startsWith(SET_HERE)) return /: (.*)$/.exec(reason)?.[1] ?? "";
  const own = reason.startsWith(OURS) ? reason.slice(OURS.length) : reason;
  return strings.robot.reasons[own] ?? told(own);
}
