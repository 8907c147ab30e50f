// What a page reads, and when it reads it again.

import { serve, until } from "./browser";
import { hook } from "./hooks";

import assert from "node:assert/strict";
import { test } from "node:test";

import { useRemote } from "../src/server/remote";
import type { Remote } from "../src/server/remote";
import { connection, sections } from "../src/server/state";

const use = (path: string | null): Remote<string> => useRemote<string>(path);

test("it is read once, and again after somebody's change of that resource", async () => {
  let version = 0;
  const sent = serve(() => ({ body: `version ${++version}`, etag: `"${version}"` }));
  const read = hook(use, "/prompts/robot");
  await until(() => read.now.data.value === "version 1");
  assert.equal(read.now.etag.value, '"1"');
  sections.changes.value = { jobs: 5 };
  sections.changes.value = { jobs: 6, prompts: 1 };
  await until(() => read.now.data.value === "version 2");
  assert.equal(sent.length, 2, "the change of another resource is no reason");
  connection.value = "live";
  await until(() => read.now.data.value === "version 3");
  read.end();
});

test("what was read stays while it cannot be read again", async () => {
  let isBroken = false;
  serve(() => (isBroken ? { status: 503, body: { code: "database", detail: "away" } } : { body: "good" }));
  const read = hook(use, "/users");
  await until(() => read.now.data.value === "good");
  isBroken = true;
  await read.now.reload();
  assert.deepEqual([read.now.data.value, read.now.problem.value?.code], ["good", "database"]);
  isBroken = false;
  await read.now.reload();
  assert.equal(read.now.problem.value, null);
  read.end();
});

test("an answer that comes after a later one is left out", async () => {
  const waiting: ((body: string) => void)[] = [];
  serve(() => new Promise((resolve) => waiting.push((body) => resolve({ body }))));
  const read = hook(use, "/logs");
  await until(() => waiting.length === 1);
  const second = read.now.reload();
  waiting[1]!("second");
  await second;
  waiting[0]!("first");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(read.now.data.value, "second");
  const third = read.now.reload();
  read.now.put("put", '"9"');
  waiting[2]!("third");
  await third;
  assert.deepEqual([read.now.data.value, read.now.etag.value], ["put", '"9"']);
  read.end();
});

test("another path forgets what the first one gave; none reads nothing", async () => {
  const sent = serve(({ path }) => ({ body: path }));
  const read = hook(use, null as string | null);
  read.again("/a");
  await until(() => read.now.data.value === "/api/v1/a");
  read.again("/b");
  await until(() => read.now.data.value === "/api/v1/b");
  assert.deepEqual(sent.map((each) => each.path), ["/api/v1/a", "/api/v1/b"]);
  read.end();
});
