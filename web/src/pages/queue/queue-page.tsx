// The jobs of all queues: filtered lists by state, one job whole, and what can be done with both.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useLocation } from "preact-iso/router";

import { Card } from "../../parts/card";
import { Tabs } from "../../parts/tabs";
import { useRemote } from "../../server/remote";
import type { Task } from "../../server/resources";
import { ROOT } from "../../server/root";
import { sections } from "../../server/state";
import { strings } from "../../strings";
import { JobDetails } from "./job-details";
import { Filters } from "./filters";
import { JobList } from "./job-list";
import { useJobPages } from "./job-pages";
import { STATES, isState, nameOf } from "./job-states";
import { QueueStrip } from "./queue-strip";
import { Selection } from "./selection";

const words = strings.queue;
/** The filters that the address keeps, so that a link shows the same list. */
export const KEPT = ["state", "queue", "task", "origin", "provider", "search"] as const;

export function QueuePage({ job }: { job?: string }): VNode {
  const { query } = useLocation();
  const filters = new URLSearchParams();
  for (const name of KEPT) {
    const value = query[name];
    if (value && (name !== "state" || isState(value))) filters.set(name, value);
  }
  const pages = useJobPages(filters.toString());
  const tasks = useRemote<{ tasks: Task[] }>("/tasks");
  const isFailed = filters.get("state") === "failed";
  const ticked = useSignal<ReadonlySet<string>>(new Set());
  const linkOf = (id: string): string => `${ROOT}/queue/${id ? encodeURIComponent(id) : ""}${filters.size ? `?${filters}` : ""}`;
  return (
    <div class={job ? "queue-page with-job" : "queue-page"}>
      <SubPages current="jobs" />
      <QueueStrip />
      <div class="split">
        <Card id="job-list" heading={words.heading(pages.total.value)} aside={<Filters filters={filters} tasks={tasks.data.value?.tasks ?? []} />}>
          <StateTabs filters={filters} />
          {isFailed && <Selection pages={pages} ticked={ticked} />}
          <JobList pages={pages} current={job ?? ""} linkOf={linkOf} ticked={isFailed ? ticked : null} filtered={filters.size > (filters.has("state") ? 1 : 0)} />
        </Card>
        {job && <JobDetails key={job} id={job} back={linkOf("")} onChange={pages.reload} />}
      </div>
    </div>
  );
}

/** Jobs and schedules: two pages of one thing. */
export function SubPages({ current }: { current: "jobs" | "schedules" }): VNode {
  return (
    <Tabs label={words.subPages} tabs={[
      { href: `${ROOT}/queue`, name: words.jobs, current: current === "jobs" },
      { href: `${ROOT}/schedules`, name: words.schedules, current: current === "schedules" },
    ]} />
  );
}

function StateTabs({ filters }: { filters: URLSearchParams }): VNode {
  const chosen = filters.get("state");
  const figures = (sections.queues.value?.figures ?? []).filter((each) => [null, each.queue].includes(filters.get("queue")));
  const sum = (name: "waiting" | "running" | "scheduled" | "failed"): number => figures.reduce((all, each) => all + each[name], 0);
  const counts: Record<string, number> = {
    waiting: sum("waiting"), running: sum("running"), scheduled: sum("scheduled"), failed: sum("failed"),
  };
  const linkTo = (state: string): string => {
    const others = new URLSearchParams(filters);
    others.delete("state");
    if (state) others.set("state", state);
    return `${ROOT}/queue${others.size ? `?${others}` : ""}`;
  };
  return (
    <Tabs label={words.byState} tabs={[
      { href: linkTo(""), name: words.latest, current: !chosen },
      ...STATES.map((state) => ({ href: linkTo(state), name: nameOf(state), current: chosen === state, count: counts[state] })),
    ]} />
  );
}
