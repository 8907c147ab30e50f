// One row for each of the robot's domains: which side serves it and why, the person's choice, and the switch; above them
// a switch of all.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useRef } from "preact/hooks";

import { Icon, Moment } from "../parts/card";
import { notify, notifyProblem } from "../parts/notices";
import { Problem } from "../server/rest";
import { may, refusal } from "../server/session";
import { CHOICES, choose, chooseAll, choicesBefore } from "../server/steering";
import type { Choice, Outcome } from "../server/steering";
import { strings } from "../strings";
import { OURS, SET_HERE, who, why } from "../switched";
import { told } from "../told";
import type { Tone } from "../tones";
import type { Domain } from "../server/messages";

const words = strings.robot;
const ORDER = ["voice", "vision", "text"];

export function Domains({ known }: { known: Record<string, Domain> }): VNode {
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const names = Object.keys(known).sort((a, b) => place(a) - place(b));
  return (
    <ul class="domains">
      <All known={known} />
      {names.map((name) => <Row key={name} name={name} reported={known[name]!} />)}
    </ul>
  );
}

/** All domains at once: where they are, and one switch. */
function All({ known }: { known: Record<string, Domain> }): VNode {
  const requested = useSignal<Choice | null>(null);
  const latest = useRef(known);
  latest.current = known;
  const ours = Object.fromEntries(Object.entries(known).filter(([name]) => ORDER.includes(name)));
  const reported = Object.values(ours);
  const common = CHOICES.find((choice) => reported.every((it) => (it.choice || "automatic") === choice));
  const onPc = reported.filter((it) => it.mode === "pc").length;

  const click = async (choice: Choice): Promise<void> => {
    if (requested.value || !may("operate")) return;
    requested.value = choice;
    try {
      const switched = await chooseAll(Object.fromEntries(Object.keys(ours).map((name) => [name, choice])));
      const open = switched.filter((each) => !each.confirmed);
      const undo = (): Promise<unknown> => chooseAll(choicesBefore(ours, latest.current)).catch(shown);
      if (open.length) notify(words.allOpen(open.map(({ domain }) => words.domains[domain] ?? domain).join(", ")), "warn", undo, open[0]!.problem);
      else notify(words.allDone[choice], "good", undo);
    } catch (error) {
      shown(error);
    } finally {
      requested.value = null;
    }
  };
  const place = onPc === reported.length ? words.pc : onPc === 0 ? words.local : words.shared(onPc, reported.length);
  return (
    <li class={onPc ? "all on-pc" : "all on-robot"} aria-busy={requested.value !== null}>
      <span class="name">{words.all}</span>
      <span class="where">{reported.every((it) => it.mode) ? place : words.unknown}</span>
      <Choices label={words.allLabel} requested={requested.value} pressed={requested.value ?? common} onChoose={click} />
      <span class="when" />
    </li>
  );
}

function shown(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
  notifyProblem(error);
}

interface ChoicesProps { label: string; requested: Choice | null; pressed: string | undefined; onChoose: (choice: Choice) => Promise<void> }

function Choices({ label, requested, pressed, onChoose }: ChoicesProps): VNode {
  return (
    <span class="switch" role="group" aria-label={label}>
      {CHOICES.map((choice) => (
        <button
          type="button" key={choice} title={refusal("operate") || words.choiceTitles[choice]}
          aria-pressed={choice === pressed} aria-disabled={requested !== null || !may("operate")} onClick={() => void onChoose(choice)}
        >
          {choice === requested && <Icon tone="busy" />}{words.choices[choice]}
        </button>
      ))}
    </span>
  );
}

/** The answer to a switch, and the report that there was before it. */
interface Answered { outcome: Outcome; choice: Choice; before: Domain }

function Row({ name, reported }: { name: string; reported: Domain }): VNode {
  const requested = useSignal<Choice | null>(null);
  const latest = useSignal<Answered | null>(null);
  const current = useRef(reported);
  current.current = reported;

  const click = async (choice: Choice): Promise<void> => {
    if (requested.value || !may("operate")) return;
    requested.value = choice;
    latest.value = null;
    latest.value = { outcome: await choose(name, choice), choice, before: current.current };
    requested.value = null;
  };

  const answered = latest.value;
  const accepted = answered?.outcome.accepted === true;
  const isNewer = answered !== null && answered.before !== reported;
  // What was chosen counts until the next report.
  const it = answered && accepted && !isNewer ? { ...reported, choice: answered.choice } : reported;
  // The reason of an unconfirmed switch is out of date once the robot reports the chosen mode.
  const outcome = accepted && isNewer && reported.mode === reported.choice ? null : answered?.outcome ?? null;
  const title = words.domains[name] ?? name;
  const onPc = it.mode === "pc";
  const wanted = requested.value ?? (it.choice || "automatic");
  const notes = notesOf(it, requested.value, outcome);
  return (
    <li class={onPc ? "on-pc" : "on-robot"} aria-busy={requested.value !== null}>
      <span class="name">{title}</span>
      <span class="where" title={it.status}>{onPc ? words.pc : it.mode === "local" ? words.local : it.mode || words.unknown}</span>
      {ORDER.includes(name) ? <Choices label={words.switchLabel(title)} requested={requested.value} pressed={wanted} onChoose={click} /> : <span />}
      <span class="soft when"><Moment ts={it.ts} /></span>
      <div class="notes" aria-live="polite" hidden={!notes.length}>
        {notes.map((note) => (
          <p key={note.text} class={note.tone || "soft"}>
            {note.tone && <Icon tone={note.tone} />}
            <span>{note.text}{note.more && <span class="remedy"> {note.more}</span>}</span>
          </p>
        ))}
      </div>
    </li>
  );
}

interface Note { tone: Tone | ""; text: string; more: string }

function notesOf(it: Domain, requested: Choice | null, outcome: Outcome | null): Note[] {
  const found: Note[] = [];
  const add = (tone: Tone | "", text: string, more = ""): void => void found.push({ tone, text, more });
  if (requested) add("", words.switching);
  if (it.unattended) add("warn", words.unattended);
  const done = it.mode === it.choice;
  if (outcome && !outcome.accepted) add("bad", outcome.problem, outcome.remedy);
  if (it.by && !requested) {
    const state = it.choice === "automatic" ? "" : done ? words.confirmed : words.unconfirmed;
    add(!state ? "" : done ? "good" : "warn", words.chosen(who(it.by), it.why ?? "", state));
  }
  // Where the robot serves the domain by choice, the PC's problem is irrelevant.
  const problem = it.problem || (outcome?.accepted ? outcome.problem : "");
  if (problem && !(done && it.choice === "local")) add(it.choice === "pc" ? "warn" : "", words.problem(told(problem)));
  const reason = reasonInWords(it);
  if (reason) add("", reason);
  return found;
}

/** The robot's reason for a domain's mode; empty where the row says it already. */
function reasonInWords(it: Domain): string {
  if (it.reason.startsWith(SET_HERE)) {
    return it.by ? "" : words.setHere(who(it.reason.slice(SET_HERE.length)));
  }
  if (it.reason.startsWith(OURS)) {
    if (it.reason.slice(OURS.length) === it.problem) return "";
    return it.mode === "local" ? words.returned(why(it.reason)) : words.taken(why(it.reason));
  }
  return words.reasons[it.reason] ?? it.reason;
}
