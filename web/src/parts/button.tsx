// A button whose work takes a while: it says so, and shows why it failed.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";

import { Problem } from "../server/rest";
import { Icon } from "./card";
import { notifyProblem } from "./notices";

interface ButtonProps {
  children: ComponentChildren;
  /** Why it cannot be used now; empty: it can. */
  refused?: string;
  kind?: "primary" | "plain" | "danger" | "usual";
  title?: string;
  /** A `Problem` that it throws is shown. */
  onAct: () => Promise<unknown> | void;
}

export function Button({ children, refused = "", kind = "usual", title, onAct }: ButtonProps): VNode {
  const busy = useSignal(false);
  const click = async (): Promise<void> => {
    if (busy.value || refused) return;
    busy.value = true;
    try {
      await onAct();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      notifyProblem(error);
    } finally {
      busy.value = false;
    }
  };
  // Not `disabled`: such a button has no tooltip, and loses the focus while it works.
  return (
    <button type="button" class={kind} title={refused || title} aria-disabled={busy.value || refused !== ""} onClick={() => void click()}>
      {busy.value && <Icon tone="busy" />}{children}
    </button>
  );
}
