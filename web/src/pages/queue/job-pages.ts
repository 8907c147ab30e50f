// The list of jobs: its first page, and the next ones as people scroll. It follows what happens in the queues.

import { useComputed, useSignal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Job, JobPage } from "../../server/resources";
import { Problem, send } from "../../server/rest";
import { connection, sections, tables } from "../../server/state";

const PAGE = 100;
/** The first page is read again at most this often, in ms: jobs may end many times a second. */
const REFRESH_MS = 1_000;

export interface JobPages {
  jobs: ReadonlySignal<readonly Job[] | null>;
  total: ReadonlySignal<number>;
  complete: ReadonlySignal<boolean>;
  problem: ReadonlySignal<Problem | null>;
  /** The list has changed since further pages were read: a fresh one would move what people look at. */
  outdated: ReadonlySignal<boolean>;
  /** Grows when the list is shown from its beginning again. */
  turn: ReadonlySignal<number>;
  restart: () => Promise<void>;
  more: () => Promise<void>;
  reload: () => Promise<void>;
}

/** The jobs that the filters let through; `filters` is a query string. */
export function useJobPages(filters: string): JobPages {
  const jobs = useSignal<readonly Job[] | null>(null);
  const total = useSignal(0);
  const next = useSignal<string | null>(null);
  const problem = useSignal<Problem | null>(null);
  const outdated = useSignal(false);
  const turn = useSignal(0);
  const wanted = useRef(filters);

  const read = useCallback(async (cursor: string | null): Promise<void> => {
    const asked = wanted.current;
    try {
      const { body } = await send("GET", `/jobs?${asked}&limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      if (asked !== wanted.current) return;
      const page = body as JobPage;
      jobs.value = cursor ? joined(jobs.value ?? [], page.jobs) : page.jobs;
      next.value = page.next;
      total.value = page.total;
      problem.value = null;
      if (!cursor) outdated.value = false;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (asked === wanted.current) problem.value = error;
    }
  }, []);
  /** One after another: a page and a refresh must not mix. */
  const last = useRef<Promise<void>>(Promise.resolve());
  const chained = useCallback((work: () => Promise<void>): Promise<void> => (last.current = last.current.then(work)), []);
  const more = useCallback(() => chained(async () => {
    if (next.value) await read(next.value);
  }), []);
  const reload = useCallback(() => chained(() => read(null)), []);
  const restart = useCallback(async (): Promise<void> => {
    await reload();
    turn.value++;
  }, []);

  useEffect(() => {
    if (wanted.current !== filters) {
      wanted.current = filters;
      jobs.value = next.value = problem.value = null;
    }
    void reload();
  }, [filters]);

  // What happens in the queues: jobs that end or start, and how many wait.
  const happened = JSON.stringify([tables.jobs.value[0]?.rank, tables.jobs.value[0]?.state, sections.queues.value?.figures,
    ...["jobs", "queues", "dead-letters"].map((name) => sections.changes.value?.[name]), connection.value]);
  const seen = useRef({ happened, ts: 0 });
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const look = (): void => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  useEffect(() => {
    if (seen.current.happened === happened || !visible) return;
    const refresh = (): void => {
      seen.current = { happened, ts: performance.now() };
      if ((jobs.value?.length ?? 0) > PAGE) outdated.value = true;
      else void reload();
    };
    const timer = setTimeout(refresh, Math.max(0, seen.current.ts + REFRESH_MS - performance.now()));
    return () => clearTimeout(timer);
  }, [happened, visible]);
  const complete = useComputed(() => next.value === null);
  return { jobs, total, complete, problem, outdated, turn, restart, more, reload };
}

/** A page after another: a job that has moved meanwhile is not shown twice. */
function joined(before: readonly Job[], page: readonly Job[]): readonly Job[] {
  const known = new Set(before.map((job) => job.id));
  return [...before, ...page.filter((job) => !known.has(job.id))];
}
