// What the page has just done, in the corner: read out by screen readers, gone after a while, and undone where it can be.

import { signal } from "@preact/signals";
import type { VNode } from "preact";

import { SERVER_LANGUAGE, explain } from "../explain";
import type { Problem } from "../server/rest";
import { strings } from "../strings";
import type { Tone } from "../tones";
import { Button } from "./button";
import { Icon } from "./card";

const SHOWN_MS = 7_000;
/** A problem, or something to undo, needs longer to be read. */
const SHOWN_LONG_MS = 20_000;
const MOST = 4;

interface Notice { id: number; tone: Tone; text: string; detail: string; remedy: string; undo: (() => Promise<unknown>) | null }

const notices = signal<readonly Notice[]>([]);
let latest = 0;

/** Show a sentence. `undo` takes back what it tells of. */
export function notify(text: string, tone: Tone = "good", undo: (() => Promise<unknown>) | null = null, remedy = ""): void {
  add({ tone, text, detail: "", remedy, undo });
}

export function notifyProblem(problem: Problem): void {
  add({ tone: "bad", ...explain(problem), remedy: problem.remedy, undo: null });
}

function add(notice: Omit<Notice, "id">): void {
  const id = ++latest;
  notices.value = [...notices.value, { id, ...notice }].slice(-MOST);
  setTimeout(() => remove(id), notice.undo || notice.tone === "bad" ? SHOWN_LONG_MS : SHOWN_MS);
}

/** Copy a text, and say whether that went well. A browser may refuse it. */
export async function copy(text: string, copied: string, notCopied: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);  // there is none on a page that came over plain HTTP from elsewhere
    notify(copied);
  } catch {
    notify(notCopied, "warn");
  }
}

function remove(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices(): VNode {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={`notice ${notice.tone}`}>
          <Icon tone={notice.tone} />
          <div><span>{notice.text}</span>{notice.detail && <span class="soft" lang={SERVER_LANGUAGE}>{notice.detail}</span>}{notice.remedy && <span class="remedy soft">{notice.remedy}</span>}</div>
          {notice.undo && <Button kind="plain" onAct={() => undone(notice)}>{strings.actions.undo}</Button>}
          <button type="button" class="plain close" aria-label={strings.actions.close} onClick={() => remove(notice.id)}>×</button>
        </div>
      ))}
    </div>
  );
}

async function undone(notice: Notice): Promise<void> {
  await notice.undo?.();
  remove(notice.id);
}
