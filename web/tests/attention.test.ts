// What the top of the page warns of.

import "./browser";

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { concerns, isGap } from "../src/attention";
import type { Plugin, Process, QueueFigures, Redis } from "../src/server/messages";
import { connection, sections } from "../src/server/state";
import { strings } from "../src/strings";

const words = strings.attention;
const texts = (): string[] => concerns().map((each) => each.text);
const process = (role: string, parts: Partial<Process> = {}): Process => ({
  name: `${role}-1`, role, pid: 1, queues: [], state: "idle", providers: [], problems: [], heard_ts: 0, alive: true, ...parts,
});
const redis = (parts: Partial<Redis> = {}): Redis => ({ up: true, reason: "", embedded: true, address: "", ...parts });
const plugin = (parts: Partial<Plugin> = {}): Plugin => ({
  name: "whisper", package: "p", version: "1", state: "loaded", reason: "",
  providers: [{ name: "whisper", domain: "speech_to_text", mock: false }], ...parts,
});
const queue = (parts: Partial<QueueFigures>): QueueFigures => ({
  queue: "voice", waiting: 0, scheduled: 0, running: 0, failed: 0, workers: 1, oldest_s: null, paused: false, ...parts,
});

beforeEach(() => {
  for (const section of Object.values(sections)) section.value = undefined;
  connection.value = "live";
  sections.redis.value = redis();
  sections.processes.value = [process("link"), process("worker")];
  sections.plugins.value = [plugin()];
});

test("where all is well nothing is said, nor before anything was heard", () => {
  assert.deepEqual(concerns(), []);
  for (const section of Object.values(sections)) section.value = undefined;
  assert.deepEqual(concerns(), []);
});

test("without Redis its reason is said once, and not that everything else is silent", () => {
  sections.redis.value = redis({ up: false, reason: "connection refused" });
  sections.processes.value = [process("link", { alive: false }), process("worker", { alive: false })];
  assert.deepEqual(concerns().map((each) => [each.tone, each.text, each.detail]), [["bad", words.redis, "connection refused"]]);
  sections.redis.value = redis({ write_problem: "disk full" });
  assert.deepEqual(texts(), [words.redisFull]);
});

test("a process that is gone is missed, one that was stopped is not", () => {
  sections.processes.value = [process("link"), process("worker"), process("worker", { name: "w2", alive: false }),
    process("worker", { name: "w3", alive: false, state: "stopped" })];
  assert.deepEqual(texts(), [words.silent("w2")]);
  sections.processes.value = [];
  assert.deepEqual(texts(), [words.noLink, words.noWorker]);
});

test("a robot that is away matters where its link runs", () => {
  sections.robot.value = { address: "10.0.0.7", simulated: false, up: false, reason: "no route" };
  assert.deepEqual(concerns().map((each) => [each.text, each.detail]), [[words.robotDown("10.0.0.7"), "no route"]]);
  sections.processes.value = [process("worker")];
  assert.deepEqual(texts(), [words.noLink]);
});

test("a problem of several workers stands there once, a missing engine quietly", () => {
  const problem = "voice.transcribe: no engine";
  sections.processes.value = [process("link"), process("worker", { name: "a", problems: [problem, "disk"] }), process("worker", { name: "b", problems: [problem] })];
  assert.deepEqual(concerns().map(({ tone, text, detail }) => [tone, text, detail]), [["warn", problem, "a, b"], ["warn", "disk", "a"]]);
  sections.plugins.value = [plugin({ providers: [] })];
  assert.deepEqual(concerns().map(({ tone }) => tone), ["quiet", "warn"]);
});

test("a gap is where no plugin has a real engine, and none has failed", () => {
  const problem = "voice.transcribe: no engine";
  assert.equal(isGap(problem, []), true);
  assert.equal(isGap(problem, [plugin()]), false);
  assert.equal(isGap(problem, [plugin({ providers: [{ name: "echo", domain: "speech_to_text", mock: true }] })]), true);
  assert.equal(isGap(problem, [plugin({ state: "failed", providers: [] })]), false, "the plugin may be the one");
  assert.equal(isGap(problem, [plugin({ state: "disabled" })]), true);
  assert.equal(isGap("disk is full", []), false);
});

test("plugins, queues, the database and lost events have their sentences", () => {
  sections.plugins.value = [plugin({ state: "failed", reason: "boom" }), plugin({ name: "old", state: "incompatible" })];
  sections.queues.value = { problem: "", figures: [queue({ paused: true, waiting: 2 }), queue({ queue: "text", waiting: 3, workers: 0 }), queue({ queue: "vision", workers: 0 })] };
  sections.database.value = { problem: "locked" };
  sections.bus.value = { dropped: 2 };
  assert.deepEqual(texts(), [
    words.pluginFailed("whisper"), words.pluginIncompatible("old"), words.paused("voice", 2), words.unserved("text", 3), words.database, words.dropped(2),
  ]);
  sections.plugins.value = [];
  assert.ok(texts().includes(words.noPlugins));
  const keys = concerns().map((each) => each.key);
  assert.equal(new Set(keys).size, keys.length);
});
