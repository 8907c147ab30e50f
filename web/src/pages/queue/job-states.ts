// The states of jobs: their names, their signs, and the order of their lists.

import type { Job, JobState } from "../../server/resources";
import { strings } from "../../strings";
import type { Tone } from "../../tones";

export const STATES: readonly JobState[] = [
  "waiting", "running", "scheduled", "done", "failed", "expired", "cancelled", "replaced",
];

const TONES: Record<JobState, Tone> = {
  scheduled: "quiet", waiting: "warn", running: "busy", done: "good", failed: "bad", expired: "warn", cancelled: "quiet",
  replaced: "quiet",
};

export function toneOf(state: JobState): Tone {
  return TONES[state] ?? "quiet";
}

export function nameOf(state: JobState): string {
  return strings.queue.states[state] ?? state;
}

export function isState(text: string | undefined): text is JobState {
  return (STATES as readonly string[]).includes(text ?? "");
}

export function hasEnded(job: Job): boolean {
  return job.state !== "scheduled" && job.state !== "waiting" && job.state !== "running";
}

/** When the job's state began: the time that its row shows. */
export function momentOf(job: Job): number {
  if (job.state === "scheduled") return job.due_ts ?? job.submitted_ts;
  if (job.state === "running") return job.started_ts ?? job.submitted_ts;
  return job.ended_ts ?? job.submitted_ts;
}

/** Seconds in the queue before the last attempt, and seconds of that attempt; null: not yet. */
export function timesOf(job: Job, now: number): { waitedS: number | null; ranS: number | null } {
  const ready = Math.max(job.submitted_ts, job.due_ts ?? 0);
  if (job.state === "scheduled") return { waitedS: null, ranS: null };
  const end = job.ended_ts ?? now;
  if (job.started_ts === null || job.state === "waiting") return { waitedS: Math.max(0, end - ready), ranS: null };
  return { waitedS: Math.max(0, job.started_ts - ready), ranS: Math.max(0, end - job.started_ts) };
}
