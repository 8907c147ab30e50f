// One form for everything that a JSON Schema describes: provider settings, payloads of jobs, schedules.

import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { VNode } from "preact";
import { useId } from "preact/hooks";

import type { Fields, Schema } from "../../server/resources";
import type { WrongField } from "../../server/rest";
import { strings } from "../../strings";
import { equal, fieldsOf, textOf, valueOf } from "./schema";
import type { Field } from "./schema";

const words = strings.form;

interface FormFieldsProps {
  schema: Schema;
  /** What is being edited; a field that is missing has its default. */
  values: Signal<Fields>;
  /** What it was before: changed fields are marked. */
  before?: Fields;
  /** The server's refusal, with paths that begin with `path`. */
  wrong?: readonly WrongField[];
  path?: string;
  /** Fields that are not shown. */
  without?: readonly string[];
  readOnly?: boolean;
}

export function FormFields({ schema, values, before, wrong = [], path = "", without = [], readOnly = false }: FormFieldsProps): VNode {
  return (
    <div class="fields">
      {fieldsOf(schema).filter((field) => !without.includes(field.name)).map((field) => {
        const place = path ? `${path}.${field.name}` : field.name;
        const problem = wrong.find((each) => each.field === place || each.field.startsWith(`${place}.`))?.message ?? "";
        const value = field.name in values.value ? values.value[field.name] : field.schema.default;
        return (
          <Row
            key={field.name} field={field} value={value} problem={problem} readOnly={readOnly}
            changed={before !== undefined && !equal(before[field.name], value)}
            onChange={(changed) => (values.value = { ...values.value, [field.name]: changed })}
          />
        );
      })}
    </div>
  );
}

interface RowProps {
  field: Field; value: unknown; problem: string; changed: boolean; readOnly: boolean; onChange: (value: unknown) => void;
}

function Row({ field, value, problem, changed, readOnly, onChange }: RowProps): VNode {
  const id = useId();
  const unreadable = useSignal("");
  const said = unreadable.value || problem;
  const edit = (text: string): void => {
    try {
      onChange(valueOf(field, text));
      unreadable.value = "";
    } catch {
      onChange(text);  // the server refuses it, rather than that the value before is sent
      unreadable.value = field.kind === "json" ? words.noJson : words.noNumber;
    }
  };
  const about = [field.schema.description ? `${id}-about` : "", said ? `${id}-problem` : ""].filter(Boolean).join(" ");
  const common = {
    id, name: field.name, readOnly, "aria-describedby": about || undefined, "aria-invalid": said ? true : undefined,
    required: field.required,
  } as const;
  return (
    <div class={`field ${field.kind}${changed ? " changed" : ""}${said ? " wrong" : ""}`}>
      <label for={id}>{field.name}{changed && <span class="tag">{words.changed}</span>}</label>
      <Input field={field} value={value} common={common} onText={edit} onValue={onChange} />
      {field.schema.description && <p class="about" id={`${id}-about`}>{field.schema.description}{rangeOf(field.schema)}</p>}
      {said && <p class="problem" id={`${id}-problem`} role="alert">{said}</p>}
    </div>
  );
}

interface Common { id: string; name: string; readOnly: boolean; required: boolean }
interface InputProps { field: Field; value: unknown; common: Common; onText: (text: string) => void; onValue: (value: unknown) => void }

function Input({ field, value, common, onText, onValue }: InputProps): VNode {
  const { readOnly, ...rest } = common;
  switch (field.kind) {
    case "switch":
      return <input {...rest} type="checkbox" disabled={readOnly} checked={value === true} onChange={(event) => onValue(event.currentTarget.checked)} />;
    case "choice":
      return (
        <select {...rest} disabled={readOnly} onChange={(event) => onText(event.currentTarget.value)}>
          {(field.optional || (value ?? null) === null) && <option value="" selected={(value ?? null) === null}>{words.unset}</option>}
          {field.choices.map((choice) => <option key={String(choice)} value={String(choice)} selected={choice === value}>{String(choice)}</option>)}
        </select>
      );
    case "long": case "lines": case "json":
      return (
        <textarea
          {...common} rows={field.kind === "json" ? 4 : 3} spellcheck={field.kind === "long"} class={field.kind === "json" ? "code" : undefined}
          maxLength={field.kind === "long" ? field.schema.maxLength : undefined} placeholder={field.optional ? words.unset : ""}
          defaultValue={textOf(field, value)} onInput={(event) => onText(event.currentTarget.value)}
        />
      );
    case "secret":
      return (
        <input
          {...common} type="password" autocomplete="off" maxLength={field.schema.maxLength} placeholder={field.optional ? words.unset : ""}
          defaultValue={textOf(field, value)} onInput={(event) => onText(event.currentTarget.value)}
        />
      );
    default:
      return (
        <input
          {...common} type="text" autocomplete="off" spellcheck={false}
          inputMode={field.kind === "integer" ? "numeric" : field.kind === "number" ? "decimal" : undefined}
          maxLength={field.schema.maxLength} placeholder={field.optional ? words.unset : ""}
          defaultValue={textOf(field, value)} onInput={(event) => onText(event.currentTarget.value)}
        />
      );
  }
}

/** The limits of a number, where its description does not say them. */
function rangeOf(schema: Schema): string {
  const low = schema.minimum ?? schema.exclusiveMinimum, high = schema.maximum ?? schema.exclusiveMaximum;
  if (low === undefined && high === undefined) return "";
  if (high === undefined) return ` (≥ ${low})`;
  return low === undefined ? ` (≤ ${high})` : ` (${low} – ${high})`;
}
