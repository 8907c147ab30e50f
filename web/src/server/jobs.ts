// Submits a job, and waits for its end.

import { strings } from "../strings";
import type { Fields, Job, JobView, Priority } from "./resources";
import { Problem, send } from "./rest";

/** How often the job is asked for, in ms: soon at first, since most of them are quick. */
const POLL_MS = [50, 100, 200, 400];
const LIMIT_MS = 120_000;

export interface JobOrder { task: string; payload: Fields; provider?: string; origin: string; priority: Priority }

/** The job once it has ended, also where it failed. Throws a `Problem` where it is refused, or does not end in time. */
export async function runJob(order: JobOrder): Promise<Job> {
  const { id } = (await send("POST", "/jobs", { ...order, deadline_ts: Date.now() / 1000 + LIMIT_MS / 1000 })).body as Job;
  const begin = performance.now();
  for (let turn = 0; performance.now() - begin < LIMIT_MS; turn++) {
    const { job } = (await send("GET", `/jobs/${id}`)).body as JobView;
    if (!["scheduled", "waiting", "running"].includes(job.state)) return job;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS[Math.min(turn, POLL_MS.length - 1)]));
  }
  throw new Problem(0, "slow", strings.rest.slow(LIMIT_MS / 1000), "");
}
