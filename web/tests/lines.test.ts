// The lines of a conversation.

import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { withBrokenAnswer } from "../src/server/lines";
import type { Line } from "../src/server/lines";

const line = (who: Line["who"], state: Line["state"] = "done"): Line => ({
  key: 0, who, text: "words", state, provider: "", mock: false, job: "", steps: {},
});
const states = (...lines: Line[]): string[] => withBrokenAnswer(lines).map((each) => each.state);

test("the last answer is marked as broken off, also after another question", () => {
  assert.deepEqual(states(line("person"), line("robot"), line("person"), line("robot")), ["done", "done", "done", "broken"]);
  assert.deepEqual(states(line("robot"), line("person")), ["broken", "done"]);
});

test("an answer that is still being written keeps its state, and a conversation without answers is unchanged", () => {
  assert.deepEqual(states(line("robot"), line("robot", "writing")), ["done", "writing"]);
  assert.deepEqual(states(line("person")), ["done"]);
  assert.deepEqual(states(), []);
});
