// One row for each of the robot's domains: which side serves it and why, the person's choice, and the switch.

import { h, icon, moment } from "../dom";
import { CHOICES, choose } from "../steering";
import type { Choice, Outcome } from "../steering";
import { strings } from "../strings";
import type { Domain, Restart } from "../types";

const words = strings.robot;
const ORDER = ["voice", "vision", "text"];
const OURS = "rider-pc: ";
const SET_HERE = "set at rider-pc by ";

/** Rows keep their elements, so that the keyboard's focus stays on a button while the row changes. */
export class DomainRows {
  readonly root = h("ul", { class: "domains" });
  private rows = new Map<string, DomainRow>();

  show(known: Record<string, Domain>, now: number): void {
    const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
    const names = Object.keys(known).sort((a, b) => place(a) - place(b));
    for (const name of this.rows.keys()) if (!known[name]) this.rows.delete(name);
    for (const name of names) {
      const row = this.rows.get(name) ?? new DomainRow(name);
      this.rows.set(name, row);
      row.show(known[name]!, now);
    }
    const elements = names.map((name) => this.rows.get(name)!.root);
    if (elements.some((element, index) => this.root.children[index] !== element)
      || this.root.children.length !== elements.length) this.root.replaceChildren(...elements);
  }
}

class DomainRow {
  readonly root = h("li");
  private where = h("span", { class: "where" });
  private when = h("span", { class: "soft when" });
  private notes = h("div", { class: "notes", "aria-live": "polite" });
  private buttons = new Map<Choice, HTMLButtonElement>();
  private known: Domain | null = null;
  private now = 0;
  private requested: Choice | null = null;
  private outcome: Outcome | null = null;

  constructor(private name: string) {
    const title = words.domains[name] ?? name;
    const group = h("span", { class: "switch", role: "group", "aria-label": words.switchLabel(title) });
    if (ORDER.includes(name)) {
      for (const choice of CHOICES) group.append(this.button(choice));
    }
    this.root.append(h("span", { class: "name" }, title), this.where, group, this.when, this.notes);
  }

  show(known: Domain, now: number): void {
    // The reason of an unconfirmed switch is out of date once the robot reports the chosen mode.
    if (this.outcome?.accepted && known.mode === known.choice) this.outcome = null;
    this.known = known;
    this.now = now;
    this.draw();
  }

  private button(choice: Choice): HTMLButtonElement {
    const button = h("button", { type: "button", title: words.choiceTitles[choice] }, words.choices[choice]);
    button.addEventListener("click", () => void this.choose(choice));
    this.buttons.set(choice, button);
    return button;
  }

  private async choose(choice: Choice): Promise<void> {
    if (this.requested) return;
    this.requested = choice;
    this.outcome = null;
    this.draw();
    this.outcome = await choose(this.name, choice);
    this.requested = null;
    if (this.known && this.outcome.accepted) this.known = { ...this.known, choice };
    this.draw();
  }

  private draw(): void {
    const it = this.known;
    if (!it) return;
    const onPc = it.mode === "pc";
    this.root.className = onPc ? "on-pc" : "on-robot";
    this.root.setAttribute("aria-busy", String(this.requested !== null));
    this.where.title = it.status;
    this.where.replaceChildren(onPc ? words.pc : it.mode === "local" ? words.local : it.mode || words.unknown);
    this.when.replaceChildren(moment(it.ts, this.now));
    const wanted = this.requested ?? (it.choice || "automatic");
    for (const [choice, button] of this.buttons) {
      button.setAttribute("aria-pressed", String(choice === wanted));
      button.setAttribute("aria-disabled", String(this.requested !== null));
      button.replaceChildren(...(choice === this.requested ? [icon("busy")] : []), words.choices[choice]);
    }
    this.notes.replaceChildren(...this.lines(it));
    this.notes.hidden = !this.notes.childElementCount;
  }

  private lines(it: Domain): HTMLElement[] {
    const found: HTMLElement[] = [];
    const add = (tone: "good" | "warn" | "bad" | "", text: string, more = ""): void => {
      found.push(h("p", { class: tone || "soft" }, tone ? icon(tone) : null,
        h("span", {}, text, more ? h("span", { class: "remedy" }, " ", more) : null)));
    };
    if (this.requested) add("", words.switching);
    if (it.unattended) add("warn", words.unattended);
    const rejected = this.outcome && !this.outcome.accepted;
    const done = it.mode === it.choice;
    if (rejected) add("bad", this.outcome!.problem, this.outcome!.remedy);
    if (it.by && !this.requested) {
      const state = it.choice === "automatic" ? "" : done ? words.confirmed : words.unconfirmed;
      add(!state ? "" : done ? "good" : "warn", words.chosen(it.by, it.why ?? "", state));
    }
    // Where the robot serves the domain by choice, the PC's problem is irrelevant.
    const problem = it.problem || (this.outcome?.accepted ? this.outcome.problem : "");
    if (problem && !(done && it.choice === "local")) add(it.choice === "pc" ? "warn" : "", words.problem(problem));
    const reason = reasonInWords(it);
    if (reason) add("", reason);
    return found;
  }
}

/** The robot's reason for a domain's mode; empty where the row says it already. */
function reasonInWords(it: Domain): string {
  if (it.reason.startsWith(SET_HERE)) {
    return it.by ? "" : words.setHere(it.reason.slice(SET_HERE.length));
  }
  if (it.reason.startsWith(OURS)) {
    const reason = it.reason.slice(OURS.length);
    return reason === it.problem ? "" : it.mode === "local" ? words.returned(reason) : words.taken(reason);
  }
  return words.reasons[it.reason] ?? it.reason;
}

export function restartNotes(restarts: readonly Restart[]): HTMLElement[] {
  return restarts.map((each) => h("div", { class: "restart", role: "status" }, icon("warn"),
    h("div", {}, h("strong", {}, words.restart(each.what)), h("span", { class: "soft" }, each.why),
      h("span", { class: "soft" }, words.onTheRobot, " ", h("code", {}, each.command)))));
}
