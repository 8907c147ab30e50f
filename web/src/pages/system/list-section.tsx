// A list that an administrator adds to: its card, and the dialogue with the form of a new entry.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";

import { Button } from "../../parts/button";
import { Card, Empty, Icon } from "../../parts/card";
import { Dialog } from "../../parts/dialog";
import { ProblemText } from "../../parts/problem-text";
import { RemoteView } from "../../parts/remote-view";
import type { Remote } from "../../server/remote";
import { Problem } from "../../server/rest";
import { refusal } from "../../server/session";
import { strings } from "../../strings";

interface ListSectionProps<T> {
  id: string; heading: string; remote: Remote<T>;
  /** The rows of what was read; none: `none` is shown. */
  rows: (data: T) => VNode[];
  none: string;
  /** What the button says that opens the dialogue. */
  add: string;
  dialog: (onClose: () => void) => VNode;
  aside?: ComponentChildren;
}

export function ListSection<T>({ id, heading, remote, rows, none, add, dialog, aside }: ListSectionProps<T>): VNode {
  const open = useSignal(false);
  return (
    <Card id={id} heading={heading} aside={
      <>{aside}<Button kind="primary" refused={refusal("admin")} onAct={() => void (open.value = true)}>{add}</Button></>
    }>
      <RemoteView remote={remote}>
        {(data) => {
          const found = rows(data);
          return found.length ? <ul class="rows">{found}</ul> : <Empty text={none} />;
        }}
      </RemoteView>
      {open.value && dialog(() => void (open.value = false))}
    </Card>
  );
}

interface DialogFormProps {
  action: string; children: ComponentChildren; onClose: () => void;
  /** A `Problem` that it throws is shown below the fields, which keep what was filled in. */
  onSubmit: (form: FormData) => Promise<void>;
}

export function DialogForm({ action, children, onClose, onSubmit }: DialogFormProps): VNode {
  const problem = useSignal<Problem | null>(null);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    problem.value = null;
    try {
      await onSubmit(new FormData(event.currentTarget as HTMLFormElement));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      {children}
      {problem.value && <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>}
      <div class="buttons">
        <button type="button" class="usual" onClick={onClose}>{strings.actions.cancel}</button>
        <button type="submit" class="primary">{action}</button>
      </div>
    </form>
  );
}

/** A new entry's form in its dialogue. */
export function FormDialog(props: DialogFormProps): VNode {
  return <Dialog heading={props.action} onClose={props.onClose}><DialogForm {...props} /></Dialog>;
}
