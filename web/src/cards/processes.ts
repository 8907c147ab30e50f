// Our processes and Redis, and whether they run.

import { isGap } from "../attention";
import { card, empty, h, mockBadge, moment, pill } from "../dom";
import type { Child } from "../dom";
import type { State } from "../state";
import { strings } from "../strings";
import type { Plugin, Process, Redis } from "../types";

const words = strings.processes;
const ORDER = ["link", "worker", "scheduler", "panel"];

export function processesCard() {
  const { root, body } = card("processes", words.heading);
  const show = (state: State): void => {
    const { processes = [], redis, plugins } = state.sections;
    const rank = (process: Process): number => (ORDER.includes(process.role) ? ORDER.indexOf(process.role) : ORDER.length);
    const sorted = [...processes].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    body.replaceChildren(h("ul", { class: "rows" },
      ...sorted.map((process) => processRow(process, plugins, state.now())),
      redis ? redisRow(redis) : null));
    if (!processes.length) body.prepend(empty(words.empty, words.emptyCommand));
  };
  return { root, show };
}

function row(title: string, detail: Child[], state: HTMLElement, gone: boolean): HTMLElement {
  return h("li", { class: gone ? "gone" : null },
    h("div", { class: "what" }, h("strong", {}, title), h("div", { class: "soft detail" }, ...detail)), state);
}

function processRow(process: Process, plugins: Plugin[] | undefined, now: number): HTMLElement {
  const detail: Child[] = [];
  if (process.queues.length) detail.push(h("span", {}, `${words.serves} ${process.queues.join(", ")}`));
  for (const provider of process.providers) detail.push(h("span", { title: provider.details || null }, provider.name, mockBadge(provider.mock)));
  if (!process.alive) detail.push(h("span", {}, moment(process.heard_ts, now)));
  const role = words.roles[process.role] ?? process.role;
  const sameName = process.name.toLowerCase() === role.toLowerCase();
  const title = sameName ? role : `${role} · ${process.name}`;
  if (!detail.length && process.pid !== null) detail.push(h("span", {}, `pid ${process.pid}`));
  return row(title, detail, statePill(process, plugins), !process.alive);
}

function statePill(process: Process, plugins: Plugin[] | undefined): HTMLElement {
  const faults = process.problems.filter((problem) => !isGap(problem, plugins));
  if (process.state === "stopped") return pill("quiet", words.states["stopped"]!);
  if (!process.alive) return pill("bad", words.states["silent"]!);
  if (faults.length) return pill("warn", words.states[process.state] ?? process.state, faults.join("\n"));
  if (process.state === "busy") return pill("busy", words.states["busy"]!);
  return pill("good", words.states[process.state] ?? (process.state || words.running));
}

function redisPill(redis: Redis): HTMLElement {
  if (!redis.up) return pill("bad", words.redisDown);
  return redis.write_problem ? pill("bad", words.redisFull, redis.write_problem) : pill("good", words.redisUp);
}

function redisRow(redis: Redis): HTMLElement {
  const detail = [
    redis.embedded ? words.embedded : redis.address,
    redis.up && redis.product ? `${redis.product} ${redis.version ?? ""}`.trim() : "",
    redis.up && redis.memory_mb !== undefined ? `${redis.memory_mb} ${strings.units.mb}` : "",
    redis.up ? "" : redis.reason,
  ].filter(Boolean).map((text) => h("span", {}, text));
  return row(words.redis, detail, redisPill(redis), !redis.up);
}
