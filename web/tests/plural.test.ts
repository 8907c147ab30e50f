// Plural forms: a wrong one is what people notice first.

import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { plural as english } from "../src/words/en/plural";
import { plural as polish } from "../src/words/pl/plural";

test("Polish has three forms", () => {
  const said = (count: number): string => polish(count, "zadanie", "zadania", "zadań").split(" ")[1]!;
  assert.deepEqual([1].map(said), ["zadanie"]);
  assert.deepEqual(new Set([2, 3, 4, 22, 104].map(said)), new Set(["zadania"]));
  assert.deepEqual(new Set([0, 5, 11, 12, 14, 21, 111, 112, 1000].map(said)), new Set(["zadań"]));
});

test("English has two", () => {
  assert.deepEqual([0, 1, 2].map((count) => english(count, "job", "jobs")), ["0 jobs", "1 job", "2 jobs"]);
});
