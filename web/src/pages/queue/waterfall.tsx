// Where a job's time went, as bars over one line of time: from what a person said, where it began with that, to the
// answer that the robot got.

import type { VNode } from "preact";

import { milliseconds } from "../../format";
import type { Job, LinkTimes } from "../../server/resources";
import { clock } from "../../server/state";
import { strings } from "../../strings";
import { hasEnded } from "./job-states";

const words = strings.queue.waterfall;

interface Span { name: string; kind: string; from: number; to: number }

export function Waterfall({ job, times }: { job: Job; times: LinkTimes }): VNode {
  const spans = [...spansBefore(job, times), ...spansOf(job, clock.value), ...spansAfter(job, times)];
  const begin = spans[0]?.from ?? 0, end = Math.max(...spans.map((span) => span.to)), length = Math.max(end - begin, 1e-3);
  return (
    <>
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
      {times.captured_ts !== null && <p class="soft clock">{words.clock}</p>}
    </>
  );
}

function span(name: string, kind: string, from: number, to: number): Span {
  return { name, kind, from, to: Math.max(from, to) };
}

/** Spans before the job: of a picture its way into the queue; of speech its duration, the final silence, and its way into the queue. */
function spansBefore(job: Job, { captured_ts: captured, speech_ended_ts: ended, heard_ts: heard }: LinkTimes): Span[] {
  const found: Span[] = [];
  if (captured !== null && ended === null) found.push(span(words.picture, "waited", captured, job.submitted_ts));
  if (captured !== null && ended !== null) found.push(span(words.speech, "speech", captured, ended));
  if (ended !== null && heard !== null) found.push(span(words.heard, "waited", ended, heard));
  if (heard !== null) found.push(span(words.submitted, "waited", heard, job.submitted_ts));
  return found;
}

/** The way to the robot; of speech, which is sent while it is made, the time until its first sound. */
function spansAfter(job: Job, { delivered_ts: delivered }: LinkTimes): Span[] {
  if (delivered === null || job.ended_ts === null) return [];
  if (job.task === "voice.synthesize") return [span(words.firstSound, "delivered", job.started_ts ?? job.submitted_ts, delivered)];
  return [span(words.delivered, "delivered", job.ended_ts, delivered)];
}

function spansOf(job: Job, now: number): Span[] {
  const found: Span[] = [];
  const ended = job.ended_ts ?? Math.max(now, job.submitted_ts);
  const ready = Math.max(job.submitted_ts, job.due_ts ?? 0);
  if (ready > job.submitted_ts) found.push(span(words.notDue, "not-due", job.submitted_ts, hasEnded(job) ? Math.min(ready, ended) : ready));
  if (job.state === "scheduled") return found.length ? found : [span(words.notDue, "not-due", job.submitted_ts, ready)];
  const started = job.state === "waiting" ? null : job.started_ts;
  found.push(span(job.attempts > 1 ? words.waitedAndTried : words.waited, "waited", ready, started ?? ended));
  if (started !== null) {
    found.push(span(job.attempts > 1 ? words.lastAttempt : words.ran, job.state === "failed" ? "failed" : "ran", started, ended));
  }
  return found;
}
