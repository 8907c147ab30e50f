// The last jobs: task, provider and origin, times of waiting and running, and the problem.

import type { VNode } from "preact";

import { milliseconds } from "../format";
import { Card, Empty, MockBadge, Moment, Pill, useEntrance } from "../parts/card";
import { tables } from "../server/state";
import { strings } from "../strings";
import type { Tone } from "../tones";
import type { Job } from "../server/messages";

const words = strings.jobs;
const TONES: Record<string, Tone> = {
  running: "busy", waiting: "warn", done: "good", failed: "bad", expired: "warn", cancelled: "quiet", replaced: "quiet",
};

export function JobsCard(): VNode {
  const entrance = useEntrance();
  const jobs = tables.jobs.value;
  const columns = words.columns;
  if (!jobs.length) {
    return <Card id="jobs" heading={words.heading}><Empty text={words.empty} command={words.emptyCommand} /></Card>;
  }
  return (
    <Card id="jobs" heading={words.heading} scrolls>
      <table class="jobs" style={{ "--longest": String(longest(jobs)) }}>
        <thead>
          <tr>
            <th scope="col">{columns.job}</th><th scope="col">{columns.state}</th>
            <th scope="col" class="num">{columns.waited}</th><th scope="col" class="num">{columns.ran}</th>
            <td /><th scope="col" class="num">{columns.when}</th>
          </tr>
        </thead>
        {jobs.map((job) => <Row key={job.key} job={job} entrance={entrance(job.key)} />)}
      </table>
    </Card>
  );
}

/** The bars' full width, in ms: a long job, not the longest, which would make all others invisible. */
function longest(jobs: readonly Job[]): number {
  const lengths = jobs.map((job) => (job.waited_ms ?? 0) + (job.ran_ms ?? 0)).sort((a, b) => a - b);
  return Math.max(1, (lengths[Math.floor(lengths.length * 0.9)] ?? 0) * 1.25);
}

/** A table body of its own, so that a job's problem can be a second line. */
function Row({ job, entrance }: { job: Job; entrance: string | undefined }): VNode {
  const priority = words.priority[job.priority];
  const attempts = job.attempts ?? 1;
  return (
    <tbody class={entrance ? `${job.state} ${entrance}` : job.state}>
      <tr>
        <td class="job">
          <strong title={job.id}>{job.task || strings.none}</strong>
          <span class="soft">
            {job.provider}<MockBadge mock={job.mock} />
            {priority && <span class="tag">{priority}</span>}
            {attempts > 1 && <span>{words.attempt(attempts)}</span>}
            {job.origin && <span>{job.origin}</span>}
          </span>
        </td>
        <td class="state"><Pill tone={TONES[job.state] ?? "quiet"} text={words.states[job.state] ?? job.state} /></td>
        <td class="num" data-label={words.columns.waited}>{milliseconds(job.waited_ms)}</td>
        <td class="num" data-label={words.columns.ran}>{milliseconds(job.ran_ms)}</td>
        <td class="bar" aria-hidden="true">
          <span class="timing">
            <i class="waited" style={{ "--ms": String(job.waited_ms ?? 0) }} />
            <i class="ran" style={{ "--ms": String(job.ran_ms ?? 0) }} />
          </span>
        </td>
        <td class="num soft when"><Moment ts={job.ts} /></td>
      </tr>
      {job.problem && (
        <tr class="problem">
          <td colSpan={6}>
            <div>
              <code>{job.problem.code}</code><span>{job.problem.message}</span>
              {job.problem.remedy && <span class="remedy"><b>{words.remedy}</b> {job.problem.remedy}</span>}
            </div>
          </td>
        </tr>
      )}
    </tbody>
  );
}
