// The last jobs: task, provider and origin, times of waiting and running, and the problem.

import { card, empty, h, KeyedList, mockBadge, moment, pill } from "../dom";
import type { Tone } from "../dom";
import { milliseconds } from "../format";
import type { State } from "../state";
import { strings } from "../strings";
import type { Job } from "../types";

const words = strings.jobs;
const TONES: Record<string, Tone> = {
  running: "busy", waiting: "warn", done: "good", failed: "bad", expired: "warn", cancelled: "quiet", replaced: "quiet",
};

export function jobsCard() {
  const { root, body } = card("jobs", words.heading);
  const columns = words.columns;
  const table = h("table", { class: "jobs" });
  const header = h("thead", {}, h("tr", {},
    h("th", { scope: "col" }, columns.job), h("th", { scope: "col" }, columns.state),
    h("th", { scope: "col", class: "num" }, columns.waited), h("th", { scope: "col", class: "num" }, columns.ran),
    h("td"), h("th", { scope: "col", class: "num" }, columns.when)));
  table.append(header);
  const nothing = empty(words.empty, words.emptyCommand);
  let now = 0;
  // Each job is a table body of its own, so that its problem can be a second line.
  const rows = new KeyedList<Job>(table, (job) => jobBody(job, now), header);
  body.append(table, nothing);
  const show = (state: State): void => {
    now = state.now();
    const jobs = state.tables.jobs;
    const lengths = jobs.map((job) => (job.waited_ms ?? 0) + (job.ran_ms ?? 0)).sort((a, b) => a - b);
    // The bars' full width is a long job, not the longest: a job of minutes would make all others invisible.
    const longest = Math.max(1, (lengths[Math.floor(lengths.length * 0.9)] ?? 0) * 1.25);
    table.style.setProperty("--longest", String(longest));
    rows.show(jobs);
    nothing.hidden = jobs.length > 0;
    table.hidden = !jobs.length;
  };
  return { root, show };
}

function jobBody(job: Job, now: number): HTMLElement {
  const priority = words.priority[job.priority];
  const line = h("tr", {},
    h("td", { class: "job" }, h("strong", { title: job.id }, job.task || strings.none),
      h("span", { class: "soft" }, job.provider, mockBadge(job.mock),
        priority ? h("span", { class: "tag" }, priority) : null,
        (job.attempts ?? 1) > 1 ? h("span", {}, words.attempt(job.attempts!)) : null,
        job.origin ? h("span", {}, job.origin) : null)),
    h("td", { class: "state" }, pill(TONES[job.state] ?? "quiet", words.states[job.state] ?? job.state)),
    h("td", { class: "num", "data-label": words.columns.waited }, milliseconds(job.waited_ms)),
    h("td", { class: "num", "data-label": words.columns.ran }, milliseconds(job.ran_ms)),
    h("td", { class: "bar", "aria-hidden": "true" }, timing(job)),
    h("td", { class: "num soft when" }, moment(job.ts, now)));
  const problem = job.problem && h("tr", { class: "problem" }, h("td", { colspan: 6 },
    h("div", {}, h("code", {}, job.problem.code), h("span", {}, job.problem.message),
      job.problem.remedy ? h("span", { class: "remedy" }, h("b", {}, words.remedy), " ", job.problem.remedy) : null)));
  return h("tbody", { class: job.state }, line, problem);
}

function timing(job: Job): HTMLElement {
  const waited = h("i", { class: "waited" });
  const ran = h("i", { class: "ran" });
  waited.style.setProperty("--ms", String(job.waited_ms ?? 0));
  ran.style.setProperty("--ms", String(job.ran_ms ?? 0));
  return h("span", { class: "timing" }, waited, ran);
}
