// One tile for each queue: what waits, runs and has failed, and what can be done with all of it.

import type { VNode } from "preact";

import { seconds } from "../../format";
import { Button } from "../../parts/button";
import { Pill } from "../../parts/card";
import { areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import type { QueueFigures } from "../../server/messages";
import { send } from "../../server/rest";
import { ROOT } from "../../server/root";
import { refusal } from "../../server/session";
import { sections } from "../../server/state";
import { strings } from "../../strings";

const words = strings.queue;

export function QueueStrip(): VNode | null {
  const queues = sections.queues.value;
  if (!queues) return null;
  return (
    <>
      {queues.problem && <p class="trouble" role="alert">{queues.problem}</p>}
      <div class="tiles">{queues.figures.map((figures) => <Tile key={figures.queue} figures={figures} />)}</div>
    </>
  );
}

function Tile({ figures }: { figures: QueueFigures }): VNode {
  const { queue, waiting, running, failed, workers, oldest_s: oldest, paused } = figures;
  const refused = refusal("operate");
  return (
    <section class="card tile" aria-label={queue}>
      <header>
        <h2>{queue}</h2>
        {paused ? <Pill tone="warn" text={words.paused} /> : <span class="soft">{workers ? words.workers(workers) : words.noWorker}</span>}
      </header>
      <div class="counts">
        <Count value={waiting} name={words.states.waiting} href={`${ROOT}/queue?state=waiting&queue=${queue}`} kind="waiting" />
        <Count value={running} name={words.states.running} href={`${ROOT}/queue?state=running&queue=${queue}`} kind="running" />
        <Count value={failed} name={words.states.failed} href={`${ROOT}/queue?state=failed&queue=${queue}`} kind="failed" />
      </div>
      {oldest !== null && oldest >= 1 && <p class="soft oldest">{words.oldest(seconds(oldest))}</p>}
      <div class="buttons">
        <Button refused={refused} onAct={() => pause(queue, !paused)}>{paused ? words.resume : words.pause}</Button>
        {failed > 0 && (
          <>
            <Button refused={refused} onAct={() => retryAll(queue)}>{words.retryAll}</Button>
            <Button refused={refused} kind="plain" onAct={() => deleteAll(queue, failed)}>{words.deleteAll}</Button>
          </>
        )}
      </div>
    </section>
  );
}

function Count({ value, name, href, kind }: { value: number; name: string; href: string; kind: string }): VNode {
  return <a class={`count-of ${kind}${value ? "" : " zero"}`} href={href}><b>{value}</b>{name}</a>;
}

async function pause(queue: string, paused: boolean): Promise<void> {
  await send("PATCH", `/queues/${queue}`, { paused });
  notify(paused ? words.isPaused(queue) : words.isResumed(queue), paused ? "warn" : "good", () => pause(queue, !paused));
}

async function retryAll(queue: string): Promise<void> {
  const { body } = await send("POST", `/queues/${queue}/dead-letters/retry`);
  notify(words.retried((body as { count: number }).count));
}

async function deleteAll(queue: string, failed: number): Promise<void> {
  if (!(await areYouSure(words.deleteAll, words.deleteAllSure(failed, queue), words.delete))) return;
  const { body } = await send("DELETE", `/queues/${queue}/dead-letters`);
  notify(words.deleted((body as { count: number }).count));
}
