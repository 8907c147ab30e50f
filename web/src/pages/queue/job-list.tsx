// The list itself: a row for each job, as many as there are.

import type { Signal } from "@preact/signals";
import type { VNode } from "preact";

import { milliseconds } from "../../format";
import { Empty, Icon, MockBadge, Moment, Pill } from "../../parts/card";
import { Trouble } from "../../parts/remote-view";
import { VirtualList } from "../../parts/virtual-list";
import type { Job } from "../../server/resources";
import { clock } from "../../server/state";
import { strings } from "../../strings";
import type { JobPages } from "./job-pages";
import { momentOf, nameOf, timesOf, toneOf } from "./job-states";

const words = strings.queue;
const ROW_PX = 54;

interface JobListProps {
  pages: JobPages;
  /** Id of the job that is shown whole. */
  current: string;
  linkOf: (id: string) => string;
  filtered: boolean;
  /** Ids of the rows that are ticked; null: rows cannot be ticked. */
  ticked: Signal<ReadonlySet<string>> | null;
}

export function JobList({ pages, current, linkOf, filtered, ticked }: JobListProps): VNode {
  const jobs = pages.jobs.value, problem = pages.problem.value;
  return (
    <>
      {problem && <Trouble problem={problem} onRetry={pages.reload} />}
      {pages.outdated.value && (
        <button type="button" class="plain outdated" onClick={() => void pages.restart()}>{words.outdated}</button>
      )}
      {jobs === null
        ? !problem && <p class="empty" aria-busy="true"><Icon tone="busy" /> {strings.rest.loading}</p>
        : jobs.length || !pages.complete.value
          ? (
            <>
              <div class="list-head soft" aria-hidden="true">
                <span /><span class="times"><span>{strings.jobs.columns.waited}</span><span>{strings.jobs.columns.ran}</span></span><span>{strings.jobs.columns.when}</span>
              </div>
              <VirtualList
                key={pages.turn.value} items={jobs} rowHeight={ROW_PX} label={words.listLabel} keyOf={(job) => job.id} onEnd={() => void pages.more()}
                row={(job) => {
                  const row = <Row job={job} href={linkOf(job.id)} current={job.id === current} />;
                  return ticked ? <div class="pick"><Tick job={job} ticked={ticked} />{row}</div> : row;
                }}
              />
              {!pages.complete.value && !jobs.length && <button type="button" class="plain" onClick={() => void pages.more()}>{words.searchOn}</button>}
            </>
          )
          : <Empty text={filtered ? words.noneFound : words.none} />}
    </>
  );
}

function Row({ job, href, current }: { job: Job; href: string; current: boolean }): VNode {
  const { waitedS, ranS } = timesOf(job, clock.value);
  const priority = strings.jobs.priority[job.priority];
  return (
    <a class={`job-row ${job.state}`} href={href} aria-current={current ? "true" : undefined}>
      <span class="what">
        <strong>{job.task || strings.none}</strong>
        <span class="soft">
          {job.problem ? <span class="why"><b>{job.problem.code}</b> {job.problem.message}</span> : (
            <>
              {job.provider && <span>{job.provider}</span>}<MockBadge mock={job.mock} />
              {priority && <span class="tag">{priority}</span>}
              {job.attempts > 1 && <span>{strings.jobs.attempt(job.attempts)}</span>}
              {job.origin && <span>{job.origin}</span>}
              {job.progress && <BatchProgress job={job} />}
            </>
          )}
        </span>
      </span>
      <Pill tone={toneOf(job.state)} text={nameOf(job.state)} />
      <span class="times soft">
        <span title={words.waited}>{waitedS === null ? strings.none : milliseconds(waitedS * 1000)}</span>
        <span title={words.ran}>{ranS === null ? strings.none : milliseconds(ranS * 1000)}</span>
      </span>
      <span class="when soft"><Moment ts={momentOf(job)} /></span>
    </a>
  );
}

function Tick({ job, ticked }: { job: Job; ticked: Signal<ReadonlySet<string>> }): VNode {
  const set = (on: boolean): void => {
    const changed = new Set(ticked.value);
    if (on) changed.add(job.id);
    else changed.delete(job.id);
    ticked.value = changed;
  };
  return (
    <label class="tick">
      <input type="checkbox" checked={ticked.value.has(job.id)} aria-label={words.tick(job.task, job.id)}
        onChange={(event) => set(event.currentTarget.checked)} />
    </label>
  );
}

/** How far a batch is. */
export function BatchProgress({ job }: { job: Job }): VNode | null {
  const progress = job.progress;
  if (!progress) return null;
  const { total, done, failed } = progress;
  return (
    <span class="batch" title={words.progress(done, failed, total)}>
      <progress max={total} value={done + failed} aria-label={words.progress(done, failed, total)} />
      {done + failed} / {total}
    </span>
  );
}
