// What a form reads from a JSON Schema as pydantic writes it.

import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { difference, equal, fieldsOf, textOf, valueOf } from "../src/parts/form/schema";
import type { Field } from "../src/parts/form/schema";
import type { Schema } from "../src/server/resources";

function field(property: Schema, definitions: Record<string, Schema> = {}): Field {
  return fieldsOf({ properties: { it: property }, $defs: definitions })[0]!;
}

test("each type has its input", () => {
  const kinds = (...properties: Schema[]): string[] => properties.map((each) => field(each).kind);
  assert.deepEqual(
    kinds({ type: "boolean" }, { type: "integer" }, { type: "number" }, { type: "string" }, { type: "object" }, {}),
    ["switch", "integer", "number", "text", "json", "json"],
  );
  assert.deepEqual(kinds({ type: "string", maxLength: 300 }, { type: "string", maxLength: 301 }), ["text", "long"]);
  assert.deepEqual(kinds({ type: "string", format: "password" }, { type: "string", writeOnly: true, maxLength: 999 }), ["secret", "secret"]);
  assert.deepEqual(
    kinds({ type: "array", items: { type: "string" } }, { type: "array", items: { type: "string", enum: ["a"] } }, { type: "array" }),
    ["lines", "json", "json"],
  );
  assert.deepEqual(kinds({ type: "integer", enum: [1, 2] }, { const: "rq" }), ["choice", "choice"]);
});

test("references and null are seen through, and the description outside counts", () => {
  const mode = { type: "string", enum: ["fast", "good"], description: "of the type" };
  const found = field({ anyOf: [{ $ref: "#/$defs/Mode" }, { type: "null" }], default: null, description: "of the field" }, { Mode: mode });
  assert.equal(found.kind, "choice");
  assert.equal(found.optional, true);
  assert.deepEqual(found.choices, ["fast", "good"]);
  assert.equal(found.schema.description, "of the field");
  assert.equal(field({ allOf: [{ $ref: "#/$defs/Mode" }] }, { Mode: mode }).kind, "choice");
});

test("a reference to itself, to nothing, or two alternatives end as JSON", () => {
  assert.equal(field({ $ref: "#/$defs/Loop" }, { Loop: { $ref: "#/$defs/Loop" } }).kind, "json");
  assert.equal(field({ $ref: "#/$defs/Gone" }).kind, "json");
  const both = field({ anyOf: [{ type: "string" }, { type: "integer" }, { type: "null" }] });
  assert.deepEqual([both.kind, both.optional], ["json", false]);
});

test("a value comes back from its text as it was", () => {
  const cases: [Schema, unknown][] = [
    [{ type: "integer" }, 42], [{ type: "number" }, -0.5], [{ type: "string" }, " as it is "],
    [{ type: "array", items: { type: "string" } }, ["a b", "ż"]], [{ type: "object" }, { a: [1, null] }],
    [{ enum: [1, "two"] }, 1], [{ enum: [1, "two"] }, "two"],
  ];
  for (const [schema, value] of cases) {
    const it = field(schema);
    assert.deepEqual(valueOf(it, textOf(it, value)), value, JSON.stringify(schema));
  }
  assert.deepEqual([null, undefined].map((value) => textOf(field({ type: "integer" }), value)), ["", ""]);
});

test("an empty input is null where that is allowed, an empty list, or an empty text", () => {
  const orNull = (schema: Schema): Field => field({ anyOf: [schema, { type: "null" }] });
  assert.equal(valueOf(orNull({ type: "string" }), ""), null);
  assert.equal(valueOf(field({ type: "string" }), ""), "");
  assert.equal(valueOf(field({ type: "integer" }), ""), null);
  assert.deepEqual(valueOf(field({ type: "array", items: { type: "string" } }), ""), []);
  assert.equal(valueOf(orNull({ type: "array", items: { type: "string" } }), ""), null);
  assert.equal(valueOf(field({ enum: ["a"] }), ""), null);
});

test("numbers may have a comma, and what is none is refused", () => {
  const number = field({ type: "number" });
  assert.equal(valueOf(number, "0,25"), 0.25);
  assert.equal(valueOf(number, "1e3"), 1000);
  for (const text of ["x", "1,2,3", "1 000"]) assert.throws(() => valueOf(number, text), SyntaxError, text);
  assert.throws(() => valueOf(field({ type: "object" }), "{"), SyntaxError);
});

test("lines are trimmed, and empty ones are none", () => {
  assert.deepEqual(valueOf(field({ type: "array", items: { type: "string" } }), " a \n\n b\n"), ["a", "b"]);
});

test("the difference has what changed; null and missing are the same", () => {
  assert.deepEqual(difference({ a: 1, b: [1], c: null }, { a: 1, b: [1, 2], c: null, d: null, e: 0 }), { b: [1, 2], e: 0 });
  assert.equal(equal(undefined, null), true);
  assert.equal(equal(0, null), false);
  assert.equal(equal({ a: 1 }, { a: 1 }), true);
});
