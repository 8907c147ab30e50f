// What a form reads from a JSON Schema as pydantic writes it: the kind of each field, and how its text becomes a value.

import type { Fields, Schema } from "../../server/resources";

export type Kind = "text" | "long" | "secret" | "integer" | "number" | "switch" | "choice" | "lines" | "json";

export interface Field {
  name: string;
  kind: Kind;
  /** Without references, and without the alternative null. */
  schema: Schema;
  /** May be null: then the input may be empty. */
  optional: boolean;
  required: boolean;
  choices: readonly unknown[];
}

/** Longer texts get several lines. */
const LONG = 300;

export function fieldsOf(schema: Schema): Field[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { bare, optional } = resolved(property, schema.$defs ?? {});
    const choices = bare.enum ?? (bare.const === undefined ? [] : [bare.const]);
    return { name, kind: kindOf(bare, choices), schema: bare, optional, required: required.has(name), choices };
  });
}

/** A schema without its references, and whether null is allowed besides. Its description and default are kept. */
function resolved(schema: Schema, definitions: Record<string, Schema>): { bare: Schema; optional: boolean } {
  let bare = schema, optional = false;
  for (let depth = 0; depth < 8; depth++) {
    const { $ref, allOf, anyOf, ...rest } = bare;
    const inner = $ref !== undefined ? definitions[$ref.replace(/^#\/\$defs\//, "")] : allOf?.length === 1 ? allOf[0] : undefined;
    const others = anyOf?.filter((each) => each.type !== "null");
    if (inner) bare = { ...inner, ...rest };
    else if (others && anyOf && others.length < anyOf.length && others.length === 1) {
      optional = true;
      bare = { ...others[0]!, ...rest };
    } else break;
  }
  return { bare, optional };
}

function kindOf(schema: Schema, choices: readonly unknown[]): Kind {
  if (choices.length) return "choice";
  switch (schema.type) {
    case "boolean": return "switch";
    case "integer": return "integer";
    case "number": return "number";
    case "string": return schema.format === "password" || schema.writeOnly ? "secret" : (schema.maxLength ?? 0) > LONG ? "long" : "text";
    case "array": return schema.items?.type === "string" && !schema.items.enum ? "lines" : "json";
    default: return "json";
  }
}

/** A value as the text of its input. */
export function textOf(field: Field, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (field.kind === "lines" && Array.isArray(value)) return value.join("\n");
  return field.kind === "json" ? JSON.stringify(value, null, 2) : String(value);
}

/** The value that a text stands for; throws a `SyntaxError` for text that is no JSON or no number. */
export function valueOf(field: Field, text: string): unknown {
  if (field.kind === "choice") return field.choices.find((choice) => String(choice) === text) ?? (text === "" ? null : text);
  if (text === "" && (field.optional || !["text", "long", "secret"].includes(field.kind))) return field.kind === "lines" && !field.optional ? [] : null;
  switch (field.kind) {
    case "integer": case "number": {
      const value = Number(text.replace(",", "."));
      if (Number.isNaN(value)) throw new SyntaxError(text);
      return value;
    }
    case "lines": return text.split("\n").map((line) => line.trim()).filter(Boolean);
    case "json": return JSON.parse(text) as unknown;
    default: return text;
  }
}

/** Whether two JSON values are equal. */
export function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** Those of `values` that differ from `before`. */
export function difference(before: Fields, values: Fields): Fields {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => !equal(before[name], value)));
}
