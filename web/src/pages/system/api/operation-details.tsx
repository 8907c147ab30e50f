// One operation of the REST interface: what it takes and answers, a request to copy, and an attempt for those that
// change nothing.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Button } from "../../../parts/button";
import { copy } from "../../../parts/notices";
import { Prose } from "../../../parts/prose";
import { Problem, send } from "../../../server/rest";
import { refusal, session } from "../../../server/session";
import { strings } from "../../../strings";
import { addressOf, canBeTried, curlOf } from "./document";
import type { ApiDocument, Operation, Parameter, Values } from "./document";
import { FieldRow, TypeView } from "./schema-view";

const words = strings.system.api;
/** Characters of an answer that are shown: a page with megabytes is slow. */
const MOST_SHOWN = 20_000;

interface Props { document: ApiDocument; operation: Operation }

export function OperationDetails({ document, operation }: Props): VNode {
  const values = useSignal<Values>({});
  const { description, parameters, body, answers, problems } = operation;
  const curl = curlOf(document, operation, values.value, session.value.signIn);
  return (
    <div class="operation-details">
      {description && <p><Prose text={description} /></p>}
      {parameters.length > 0 && (
        <>
          <h4>{words.parameters}</h4>
          <ul class="fields-of">
            {parameters.map((each) => <FieldRow key={each.in + each.name} document={document} name={each.name} schema={{ description: each.description, ...each.schema }} required={each.required ?? false} isSent note={words.places[each.in]} />)}
          </ul>
        </>
      )}
      {body && <><h4>{words.body}</h4><TypeView document={document} schema={body} isSent /></>}
      <h4>{words.example}</h4>
      <div class="example"><pre tabIndex={0} aria-label={words.example}>{curl}</pre>
        <Button kind="plain" onAct={() => copy(curl, words.copied, strings.system.tokens.notCopied)}>{strings.system.tokens.copy}</Button>
      </div>
      {canBeTried(operation) && <Attempt operation={operation} values={values.value} onChange={(changed) => void (values.value = changed)} />}
      {answers.map((answer) => (
        <div key={answer.status}>
          <h4>{words.answer} {answer.status} {answer.description}</h4>
          {answer.schema?.type === "string" ? <code>{answer.type}</code> : answer.schema ? <TypeView document={document} schema={answer.schema} /> : <p class="soft">{words.noContent}</p>}
        </div>
      ))}
      <p class="soft">{words.problems}: {problems.map((status) => <code key={status}>{status}</code>)}</p>
    </div>
  );
}

interface Outcome { status: number; took_ms: number; text: string }

/** Sends the request as whoever has signed in. */
function Attempt({ operation, values, onChange }: { operation: Operation; values: Values; onChange: (values: Values) => void }): VNode {
  const outcome = useSignal<Outcome | null>(null);
  const inputs = operation.parameters.filter((each) => each.in === "path" || each.in === "query");
  const missing = inputs.find((each) => each.in === "path" && !values[each.name]);
  const attempt = async (): Promise<void> => {
    const began = performance.now();
    const ended = (status: number, body: unknown): void => {
      outcome.value = { status, took_ms: Math.round(performance.now() - began), text: JSON.stringify(body, null, 2) };
    };
    try {
      const { status, body } = await send("GET", addressOf(operation, values).replace("/api/v1", ""));
      ended(status, body);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { status, code, message: detail, remedy, fields } = error;
      ended(status, { code, detail, remedy, fields });
    }
  };
  return (
    <>
      <h4>{words.attempt}</h4>
      {inputs.length > 0 && (
        <div class="columns attempt">
          {inputs.map((each) => <Input key={each.name} parameter={each} operation={operation} value={values[each.name] ?? ""} onChange={(value) => onChange({ ...values, [each.name]: value })} />)}
        </div>
      )}
      <div class="buttons">
        <Button refused={operation.role && refusal(operation.role) || (missing ? words.needs(missing.name) : "")} onAct={attempt}>{words.send}</Button>
        {outcome.value && <span class="soft" role="status">{words.outcome(outcome.value.status, outcome.value.took_ms)}</span>}
      </div>
      {outcome.value && (
        <pre class="outcome" tabIndex={0} aria-label={words.answer}>
          {outcome.value.text.slice(0, MOST_SHOWN)}{outcome.value.text.length > MOST_SHOWN && `\n… ${words.shortened(outcome.value.text.length)}`}
        </pre>
      )}
    </>
  );
}

function Input({ parameter: { name, in: place, description }, operation, value, onChange }: { parameter: Parameter; operation: Operation; value: string; onChange: (value: string) => void }): VNode {
  const id = `${operation.id}-${name}`;
  return (
    <div class="field">
      <label htmlFor={id}>{name}{place === "path" && " *"}</label>
      <input id={id} value={value} title={description} autocomplete="off" spellcheck={false} onInput={(event) => onChange(event.currentTarget.value)} />
    </div>
  );
}
