// What can be done with the failed jobs whose rows are ticked.

import type { Signal } from "@preact/signals";
import type { VNode } from "preact";

import { Button } from "../../parts/button";
import { areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import { send } from "../../server/rest";
import { refusal } from "../../server/session";
import { strings } from "../../strings";
import type { JobPages } from "./job-pages";

const words = strings.queue;
/** Jobs that one request takes (MAX_SELECTED in rider_core/web/rest/dead_letters.py). */
const TOGETHER = 500;

interface SelectionProps { pages: JobPages; ticked: Signal<ReadonlySet<string>> }

export function Selection({ pages, ticked }: SelectionProps): VNode | null {
  const jobs = pages.jobs.value ?? [];
  // Only what is in the list counts: a ticked job may have been retried by somebody else.
  const chosen = jobs.map((job) => job.id).filter((id) => ticked.value.has(id));
  if (!jobs.length) return null;
  const isAll = chosen.length === jobs.length;
  const refused = refusal("operate") || (chosen.length ? "" : words.tickFirst);
  const act = async (action: "retry" | "delete"): Promise<number> => {
    let count = 0;
    for (let from = 0; from < chosen.length; from += TOGETHER) {
      const { body } = await send("POST", `/dead-letters/${action}`, { jobs: chosen.slice(from, from + TOGETHER) });
      count += (body as { count: number }).count;
    }
    ticked.value = new Set();
    await pages.reload();
    return count;
  };
  const retry = async (): Promise<void> => notify(words.retried(await act("retry")));
  const remove = async (): Promise<void> => {
    if (await areYouSure(words.deleteTicked, words.deleteTickedSure(chosen.length), words.delete)) notify(words.deleted(await act("delete")));
  };
  return (
    <div class="selection" role="group" aria-label={words.selection}>
      <label>
        <input
          type="checkbox" checked={isAll} ref={(box) => {
            if (box) box.indeterminate = chosen.length > 0 && !isAll;
          }}
          onChange={() => void (ticked.value = new Set(isAll ? [] : jobs.map((job) => job.id)))}
        />
        {chosen.length ? words.ticked(chosen.length) : words.tickAll}
      </label>
      <Button refused={refused} onAct={retry}>{words.retryTicked}</Button>
      <Button refused={refused} kind="plain" onAct={remove}>{words.deleteTicked}</Button>
    </div>
  );
}
