// The list of jobs in pages.

import { serve, until } from "./browser";
import { hook } from "./hooks";

import assert from "node:assert/strict";
import { test } from "node:test";

import { useJobPages } from "../src/pages/queue/job-pages";
import { hasEnded, isState, momentOf, timesOf } from "../src/pages/queue/job-states";
import type { JobPages } from "../src/pages/queue/job-pages";
import type { Job } from "../src/server/resources";
import { sections } from "../src/server/state";

const job = (id: string, parts: Partial<Job> = {}): Job => ({
  id, state: "done", submitted_ts: 100, due_ts: null, started_ts: null, ended_ts: null, ...parts,
}) as Job;
const ids = (jobs: readonly Job[] | null): string[] => (jobs ?? []).map((each) => each.id);

test("the next page follows, and a job that moved meanwhile is there once", async () => {
  const sent = serve(({ path }) => ({
    body: path.includes("cursor=") ? { jobs: [job("b"), job("c")], next: null, total: 3 } : { jobs: [job("a"), job("b")], next: "x&y", total: 3 },
  }));
  const pages = hook<string, JobPages>(useJobPages, "state=done");
  await until(() => pages.now.jobs.value !== null);
  assert.deepEqual([pages.now.complete.value, pages.now.total.value], [false, 3]);
  await pages.now.more();
  assert.deepEqual(ids(pages.now.jobs.value), ["a", "b", "c"]);
  assert.equal(pages.now.complete.value, true);
  await pages.now.more();
  assert.deepEqual(sent.map((each) => each.path), ["/api/v1/jobs?state=done&limit=100", "/api/v1/jobs?state=done&limit=100&cursor=x%26y"]);
  pages.end();
});

test("other filters begin anew, and the answer to the old ones is left out", async () => {
  const waiting = new Map<string, () => void>();
  serve(({ path }) => new Promise((resolve) => {
    const name = path.includes("one") ? "one" : "two";
    waiting.set(name, () => resolve({ body: { jobs: [job(name)], next: null, total: 1 } }));
  }));
  const pages = hook<string, JobPages>(useJobPages, "q=one");
  await until(() => waiting.has("one"));
  pages.again("q=two");
  waiting.get("one")!();
  await until(() => waiting.has("two"));
  assert.equal(pages.now.jobs.value, null);
  waiting.get("two")!();
  await until(() => ids(pages.now.jobs.value)[0] === "two");
  pages.end();
});

test("a long list is not moved under people's eyes", async () => {
  const many = Array.from({ length: 100 }, (_, number) => job(`${number}`));
  const sent = serve(({ path }) => ({
    body: { jobs: path.includes("cursor=") ? [job("last")] : many, next: path.includes("cursor=") ? null : "2", total: 101 },
  }));
  const pages = hook<string, JobPages>(useJobPages, "");
  await until(() => pages.now.jobs.value !== null);
  await pages.now.more();
  sections.changes.value = { jobs: 1 };
  await until(() => pages.now.outdated.value);
  assert.equal(sent.length, 2);
  const before = pages.now.turn.value;
  await pages.now.restart();
  assert.deepEqual([pages.now.outdated.value, pages.now.turn.value, pages.now.jobs.value?.length], [false, before + 1, 100]);
  pages.end();
});

test("a page that cannot be read leaves the list, and says why", async () => {
  let isAway = false;
  serve(() => (isAway ? { status: 503, body: { code: "backend_unavailable", detail: "away" } } : { body: { jobs: [job("a")], next: null, total: 1 } }));
  const pages = hook<string, JobPages>(useJobPages, "");
  await until(() => pages.now.jobs.value !== null);
  isAway = true;
  await pages.now.reload();
  assert.deepEqual([ids(pages.now.jobs.value), pages.now.problem.value?.code], [["a"], "backend_unavailable"]);
  pages.end();
});

test("times of a job in each of its states", () => {
  assert.deepEqual(timesOf(job("a", { state: "scheduled", due_ts: 150 }), 120), { waitedS: null, ranS: null });
  assert.deepEqual(timesOf(job("a", { state: "waiting" }), 130), { waitedS: 30, ranS: null });
  assert.deepEqual(timesOf(job("a", { state: "running", started_ts: 110 }), 130), { waitedS: 10, ranS: 20 });
  assert.deepEqual(timesOf(job("a", { due_ts: 120, started_ts: 125, ended_ts: 127 }), 999), { waitedS: 5, ranS: 2 });
  assert.deepEqual(timesOf(job("a", { state: "waiting", submitted_ts: 200 }), 190), { waitedS: 0, ranS: null }, "clocks differ");
  assert.equal(momentOf(job("a", { state: "expired", ended_ts: 130 })), 130);
  assert.equal(momentOf(job("a", { state: "scheduled", due_ts: 150 })), 150);
  assert.deepEqual(["running", "cancelled"].map((state) => hasEnded(job("a", { state: state as Job["state"] }))), [false, true]);
  assert.deepEqual(["done", "gone", undefined].map(isState), [true, false, false]);
});
