// A dialogue over the page, and the question before something is destroyed.

import { signal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { strings } from "../strings";

interface DialogProps { heading: string; children: ComponentChildren; onClose: () => void; wide?: boolean }

/** The browser's own modal dialogue: it keeps the focus inside, and Escape closes it. */
export function Dialog({ heading, children, onClose, wide = false }: DialogProps): VNode {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} class={wide ? "wide" : undefined} aria-labelledby="dialog-heading" onClose={onClose}>
      <header>
        <h2 id="dialog-heading">{heading}</h2>
        <button type="button" class="plain close" aria-label={strings.actions.close} onClick={() => element.current?.close()}>×</button>
      </header>
      {children}
    </dialog>
  );
}

interface Question { heading: string; text: string; action: string; answer: (sure: boolean) => void }

const question = signal<Question | null>(null);

/** Ask before something is destroyed. `action` is what the button says. */
export function areYouSure(heading: string, text: string, action: string): Promise<boolean> {
  return new Promise((resolve) => {
    question.value?.answer(false);
    question.value = { heading, text, action, answer: resolve };
  });
}

export function Confirmation(): VNode | null {
  const asked = question.value;
  if (!asked) return null;
  const answer = (sure: boolean): void => {
    if (question.value === asked) question.value = null;
    asked.answer(sure);
  };
  return (
    <Dialog key={asked.heading} heading={asked.heading} onClose={() => answer(false)}>
      <p>{asked.text}</p>
      <div class="buttons">
        <button type="button" class="usual" autofocus onClick={() => answer(false)}>{strings.actions.cancel}</button>
        <button type="button" class="danger" onClick={() => answer(true)}>{asked.action}</button>
      </div>
    </Dialog>
  );
}
