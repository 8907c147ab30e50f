// What people read of a problem, by the page's language.

import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { explain } from "../src/explain";
import { Problem } from "../src/server/rest";
import { language } from "../src/strings";
import { problems as polish } from "../src/words/pl/problems";

const message = "there is no user 'ola'";

test("in Polish ours comes first, and the server's beneath it; in English the server's alone", () => {
  const expected = language === "pl" ? { text: polish["not_found"], detail: message } : { text: message, detail: "" };
  assert.deepEqual(explain(new Problem(404, "not_found", message, "")), expected);
  assert.deepEqual(explain({ code: "not_found", message, remedy: null }), expected, "a job's problem as well");
});

test("what the page found itself, and a code that it does not know, stay as they are", () => {
  assert.deepEqual(explain(new Problem(0, "no_answer", message, "")), { text: message, detail: "" });
  for (const code of ["made_up", "", "constructor", "__proto__"]) {
    assert.deepEqual(explain({ code, message }), { text: message, detail: "" }, code);
  }
});
