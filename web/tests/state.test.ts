// The browser's copy of the panel's state: snapshots and deltas.

import "./browser";

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type { Job, StateDelta } from "../src/server/messages";
import { apply, clock, linkAlive, loaded, sections, serverNow, tables } from "../src/server/state";

const job = (key: string, rank: number, state = "done"): Job => ({ key, rank, ts: rank, id: key, state }) as Job;

function delta(parts: Partial<StateDelta>): StateDelta {
  return { now: Date.now() / 1000, full: false, revision: 1, sections: {}, rows: {}, ...parts };
}

beforeEach(() => apply(delta({ full: true, limits: { jobs: 3, transcripts: 2, speech: 2, refused: 2, activity: 2 } })));

test("a delta changes what it names, and nothing else", () => {
  apply(delta({ sections: { bus: { dropped: 1 }, database: { problem: "" } }, rows: { jobs: [job("a", 1)] } }));
  apply(delta({ sections: { bus: { dropped: 2 } } }));
  assert.deepEqual([sections.bus.value, sections.database.value], [{ dropped: 2 }, { problem: "" }]);
  assert.deepEqual(tables.jobs.value.map((row) => row.key), ["a"]);
  assert.equal(loaded.value, true);
});

test("rows are the newest first, each once, and no more than the limit", () => {
  apply(delta({ rows: { jobs: [job("a", 1, "running"), job("b", 2), job("c", 3)] } }));
  apply(delta({ rows: { jobs: [job("a", 4), job("d", 5)] } }));
  assert.deepEqual(tables.jobs.value.map((row) => [row.key, row.state]), [["d", "done"], ["a", "done"], ["c", "done"]]);
});

test("a snapshot replaces everything", () => {
  apply(delta({ sections: { bus: { dropped: 1 } }, rows: { jobs: [job("a", 1)] } }));
  apply(delta({ full: true, rows: { jobs: [job("z", 1)] } }));
  assert.equal(sections.bus.value, undefined);
  assert.deepEqual(tables.jobs.value.map((row) => row.key), ["z"]);
});

test("what another version of the panel sends besides is left out", () => {
  const odd = { sections: { weather: { sun: true } }, rows: { planets: [job("x", 1)], jobs: [job("a", 1)] } };
  apply(delta(odd as unknown as Partial<StateDelta>));
  assert.equal(tables.jobs.value.length, 1);
  assert.equal("weather" in sections, false);
});

test("the server's clock counts, not the browser's", () => {
  apply(delta({ now: 1_000_000 }));
  assert.equal(clock.value, 1_000_000);
  assert.ok(Math.abs(serverNow() - 1_000_000) < 1);
});

test("the link is alive where one of its processes is", () => {
  const link = { name: "link", role: "link", pid: 1, queues: [], state: "idle", providers: [], problems: [], heard_ts: 0 };
  apply(delta({ sections: { processes: [{ ...link, alive: false }] } }));
  assert.equal(linkAlive.value, false);
  apply(delta({ sections: { processes: [{ ...link, alive: false }, { ...link, alive: true }] } }));
  assert.equal(linkAlive.value, true);
});
