// Where a job's time went: from its submission to its end, as bars over one line of time.

import type { VNode } from "preact";

import { milliseconds } from "../../format";
import type { Job } from "../../server/resources";
import { clock } from "../../server/state";
import { strings } from "../../strings";
import { hasEnded } from "./job-states";

const words = strings.queue.waterfall;

interface Span { name: string; kind: string; from: number; to: number }

export function Waterfall({ job }: { job: Job }): VNode {
  const spans = spansOf(job, clock.value);
  const begin = spans[0]?.from ?? 0, end = Math.max(...spans.map((span) => span.to)), length = Math.max(end - begin, 1e-3);
  return (
    <ul class="waterfall" aria-label={words.label}>
      {spans.map((span) => (
        <li key={span.name}>
          <span class="soft">{span.name}</span>
          <span class="track"><i class={span.kind} style={{
            "--from": String((span.from - begin) / length), "--share": String((span.to - span.from) / length),
          }} /></span>
          <span class="num">{milliseconds((span.to - span.from) * 1000)}</span>
        </li>
      ))}
    </ul>
  );
}

function spansOf(job: Job, now: number): Span[] {
  const found: Span[] = [];
  const add = (name: string, kind: string, from: number, to: number): void => void found.push({ name, kind, from, to: Math.max(from, to) });
  const ended = job.ended_ts ?? Math.max(now, job.submitted_ts);
  const ready = Math.max(job.submitted_ts, job.due_ts ?? 0);
  if (ready > job.submitted_ts) add(words.notDue, "not-due", job.submitted_ts, hasEnded(job) ? Math.min(ready, ended) : ready);
  if (job.state === "scheduled") return found.length ? found : [{ name: words.notDue, kind: "not-due", from: job.submitted_ts, to: ready }];
  const started = job.state === "waiting" ? null : job.started_ts;
  add(job.attempts > 1 ? words.waitedAndTried : words.waited, "waited", ready, started ?? ended);
  if (started !== null) add(job.attempts > 1 ? words.lastAttempt : words.ran, job.state === "failed" ? "failed" : "ran", started, ended);
  return found;
}
