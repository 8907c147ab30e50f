// What we read of the OpenAPI document: its operations by resource, the text of a type, and requests as examples.

import { ROOT } from "../../../server/root";
import type { Schema } from "../../../server/resources";
import type { Role } from "../../../server/session";
import { strings } from "../../../strings";

export type Place = "path" | "query" | "header" | "cookie";
export interface Parameter { name: string; in: Place; required?: boolean; description?: string; schema: Schema }
interface Body { description?: string; content?: Record<string, { schema: Schema }> }
interface RawOperation {
  tags: string[]; summary: string; description?: string; operationId: string; parameters?: Parameter[];
  requestBody?: Body; responses: Record<string, Body>; "x-rider-role": Role | null;
}
export interface ApiDocument {
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, RawOperation>>;
  components: { schemas: Record<string, Schema> };
  tags: { name: string; description?: string }[];
}

/** An answer's status, and the type of its body; null: there is none. */
export interface Answer { status: string; description: string; type: string; schema: Schema | null }

export interface Operation {
  id: string; method: string; path: string; tag: string; summary: string; description: string;
  /** Who may use it; null: everybody, before signing in, too. */
  role: Role | null;
  parameters: readonly Parameter[]; body: Schema | null; answers: readonly Answer[];
  /** Statuses of its problem details. */
  problems: readonly string[];
}

export interface Resource { name: string; description: string; operations: readonly Operation[] }

const JSON_TYPE = "application/json";
const REF = "#/components/schemas/";
/** Deeper parts of an example are left out: types may contain themselves. */
const EXAMPLE_DEPTH = 4;

/** The resources in the document's order, each with the operations in which every word of `search` is found. */
export function resourcesOf(document: ApiDocument, search: string): Resource[] {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = operationsOf(document).filter((operation) => {
    const text = [operation.method, operation.path, operation.summary, operation.description, operation.role ?? ""].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  return document.tags
    .map(({ name, description }) => ({ name, description: description ?? "", operations: found.filter((each) => each.tag === name) }))
    .filter((resource) => resource.operations.length > 0);
}

function operationsOf(document: ApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, raw]) => {
    const statuses = Object.keys(raw.responses).sort();
    return {
      id: raw.operationId, method: method.toUpperCase(), path, tag: raw.tags[0] ?? "", summary: raw.summary,
      // The document has its docstrings' lines as HTML.
      description: (raw.description ?? "").replace(/<br\s*\/?>/g, " ").trim(),
      role: raw["x-rider-role"], parameters: raw.parameters ?? [], body: raw.requestBody?.content?.[JSON_TYPE]?.schema ?? null,
      answers: statuses.filter((status) => status < "400").map((status) => answerOf(status, raw.responses[status]!)),
      problems: statuses.filter((status) => status >= "400"),
    };
  }));
}

function answerOf(status: string, { description = "", content = {} }: Body): Answer {
  const [type, body] = Object.entries(content)[0] ?? ["", null];
  return { status, description, type, schema: body?.schema ?? null };
}

export function resolved(document: ApiDocument, schema: Schema): Schema {
  return schema.$ref?.startsWith(REF) ? document.components.schemas[schema.$ref.slice(REF.length)] ?? {} : schema;
}

/** A type in one line, such as `JobRecord[]` or `"high" | "low" | null`. */
export function typeText(document: ApiDocument, schema: Schema): string {
  if (schema.$ref) return resolved(document, schema).enum ? typeText(document, resolved(document, schema)) : schema.$ref.slice(REF.length);
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices) return choices.map((each) => typeText(document, each)).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return schema.items ? `(${typeText(document, schema.items)})[]`.replace(/^\((\w+)\)/, "$1") : "array";
  return schema.type ?? "any";
}

/** The limits of a value, such as `≥ 1`. */
export function limitsOf(schema: Schema): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern, anyOf } = schema;
  const found = [
    minimum !== undefined && `≥ ${minimum}`, maximum !== undefined && `≤ ${maximum}`,
    exclusiveMinimum !== undefined && `> ${exclusiveMinimum}`, exclusiveMaximum !== undefined && `< ${exclusiveMaximum}`,
    (minLength !== undefined || maxLength !== undefined) && strings.system.api.characters(minLength ?? 0, maxLength), pattern !== undefined && pattern,
  ].filter((text) => text !== false);
  return [...found, ...(anyOf ?? []).flatMap(limitsOf)];
}

/** The object types that a schema names: what a reader may open. */
export function namedTypes(document: ApiDocument, schema: Schema): string[] {
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? []), ...(schema.items ? [schema.items] : [])];
  const additional = typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
  const own = schema.$ref ? [schema.$ref.slice(REF.length)] : [];
  return [...own, ...[...parts, ...additional].flatMap((part) => namedTypes(document, part))].filter((name) => document.components.schemas[name]?.properties);
}

/** A value that has the form of `schema`: what must be there, and no more. */
export function exampleOf(document: ApiDocument, schema: Schema, depth = 0): unknown {
  if (schema.default !== undefined) return schema.default;
  const real = resolved(document, schema);
  const choice = real.const ?? real.enum?.[0];
  if (choice !== undefined) return choice;
  const first = (real.anyOf ?? real.oneOf ?? real.allOf)?.[0];
  if (first) return exampleOf(document, first, depth);
  switch (real.type) {
    case "string": return "text";
    case "integer": case "number": return real.minimum ?? real.exclusiveMinimum ?? 0;
    case "boolean": return true;
    case "array": return [];
    default: break;
  }
  if (depth >= EXAMPLE_DEPTH) return {};
  // A body in which all may be left out says most with one field.
  const names = real.required?.length ? real.required : depth ? [] : Object.keys(real.properties ?? {}).slice(0, 1);
  return Object.fromEntries(names.map((name) => [name, exampleOf(document, real.properties?.[name] ?? {}, depth + 1)]));
}

export type Values = Readonly<Record<string, string>>;

/** The path with these values, below the panel's address; a value that a path lacks stands as `NAME`. */
export function addressOf({ path, parameters }: Operation, values: Values): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => (values[name] ? encodeURIComponent(values[name]) : name.toUpperCase()));
  const query = new URLSearchParams(parameters.filter((each) => each.in === "query" && values[each.name]).map((each) => [each.name, values[each.name]!]));
  return query.size ? `${filled}?${query}` : filled;
}

/** The request as a command of a shell. `withToken`: a key is needed here. */
export function curlOf(document: ApiDocument, operation: Operation, values: Values, withToken: boolean): string {
  const lines = [`curl ${operation.method === "GET" ? "" : `-X ${operation.method} `}${quoted(`${location.origin}${ROOT}${addressOf(operation, values)}`)}`];
  if (withToken && operation.role !== null) lines.push('-H "Authorization: Bearer $RIDER_TOKEN"');
  if (operation.body) lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(exampleOf(document, operation.body)))}`);
  if (operation.answers.some((each) => each.type && each.type !== JSON_TYPE)) lines.push("-OJ");
  return lines.join(" \\\n  ");
}

/** Whether the page can show what it answers. */
export function canBeTried({ method, answers }: Operation): boolean {
  return method === "GET" && answers.every((each) => each.type === JSON_TYPE);
}

function quoted(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`;
}
