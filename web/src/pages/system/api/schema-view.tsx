// A JSON Schema for readers: its fields, and the types within when they are opened.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Prose } from "../../../parts/prose";
import type { Schema } from "../../../server/resources";
import { strings } from "../../../strings";
import { limitsOf, namedTypes, resolved, typeText } from "./document";
import type { ApiDocument } from "./document";

const words = strings.system.api;

/** `isSent`: by who asks, so it matters what must be there, and what counts where nothing is sent. */
interface TypeProps { document: ApiDocument; schema: Schema; isSent?: boolean }

/** A type's name, and its fields. */
export function TypeView({ document, schema, isSent = false }: TypeProps): VNode {
  const real = resolved(document, schema);
  return (
    <div class="type">
      <code>{typeText(document, schema)}</code>{real.description && <span class="soft"> <Prose text={real.description.split("\n")[0] ?? ""} /></span>}
      <Fields document={document} schema={real} isSent={isSent} />
    </div>
  );
}

function Fields({ document, schema, isSent = false }: TypeProps): VNode | null {
  const properties = Object.entries(schema.properties ?? {});
  if (!properties.length) return null;
  return (
    <ul class="fields-of">
      {properties.map(([name, field]) => <FieldRow key={name} document={document} name={name} schema={field} required={schema.required?.includes(name) ?? false} isSent={isSent} />)}
    </ul>
  );
}

interface FieldRowProps extends TypeProps { name: string; required: boolean; note?: string }

export function FieldRow({ document, name, schema, required, isSent = false, note = "" }: FieldRowProps): VNode {
  const byDefault = !isSent || schema.default === undefined || schema.default === null || schema.default === "" ? "" : JSON.stringify(schema.default);
  return (
    <li>
      <div class="head">
        <code>{name}</code>
        <span class="type-name">{typeText(document, schema)}</span>
        {note && <span class="tag">{note}</span>}
        {isSent && required && <span class="tag needed">{words.required}</span>}
        {limitsOf(schema).map((limit) => <span key={limit} class="limit">{limit}</span>)}
        {byDefault && <span class="soft">{words.byDefault(byDefault)}</span>}
      </div>
      {schema.description && <p>{schema.description}</p>}
      {[...new Set(namedTypes(document, schema))].map((each) => <Inner key={each} document={document} name={each} isSent={isSent} />)}
    </li>
  );
}

/** The fields of a type within: shown when they are asked for, as a type may contain itself. */
function Inner({ document, name, isSent }: { document: ApiDocument; name: string; isSent: boolean }): VNode {
  const open = useSignal(false);
  return (
    <details onToggle={(event) => void (open.value = event.currentTarget.open)}>
      <summary>{words.fieldsOf(name)}</summary>
      {open.value && <Fields document={document} schema={document.components.schemas[name] ?? {}} isSent={isSent} />}
    </details>
  );
}
