// A form in a dialogue: it stays open, with what was filled in, while the panel refuses it, and says why.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";

import { Problem } from "../server/rest";
import { strings } from "../strings";
import { Icon } from "./card";
import { Dialog } from "./dialog";
import { ProblemText } from "./problem-text";

interface DialogFormProps {
  /** What the button says. */
  action: string;
  kind?: "primary" | "danger";
  children: ComponentChildren;
  onClose: () => void;
  /** A `Problem` that it throws is shown below the fields, which keep what was filled in. */
  onSubmit: (form: FormData) => Promise<void>;
}

export function DialogForm({ action, kind = "primary", children, onClose, onSubmit }: DialogFormProps): VNode {
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await onSubmit(new FormData(event.currentTarget as HTMLFormElement));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
    } finally {
      busy.value = false;
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      {children}
      {problem.value && <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>}
      <div class="buttons">
        <button type="button" class="usual" onClick={onClose}>{strings.actions.cancel}</button>
        <button type="submit" class={kind} aria-disabled={busy.value}>{action}</button>
      </div>
    </form>
  );
}

interface FormDialogProps extends DialogFormProps { heading?: string }

/** The same in a dialogue, whose heading is the button's text unless it has another. */
export function FormDialog({ heading, ...form }: FormDialogProps): VNode {
  return <Dialog heading={heading ?? form.action} onClose={form.onClose}><DialogForm {...form} /></Dialog>;
}
