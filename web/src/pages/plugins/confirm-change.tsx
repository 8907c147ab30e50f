// The question before a package is installed or removed: the password once more, or its typed name where nobody signs in.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Icon } from "../../parts/card";
import { Dialog } from "../../parts/dialog";
import type { PluginAction, PluginChangeView } from "../../server/resources";
import { Problem, send } from "../../server/rest";
import { session } from "../../server/session";
import { strings } from "../../strings";

const words = strings.plugins.installation;

interface ConfirmProps {
  action: PluginAction; name: string; onClose: () => void; onStart: (view: PluginChangeView, etag: string) => void;
}

export function ConfirmChange({ action, name, onClose, onStart }: ConfirmProps): VNode {
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (busy.value) return;
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const proof = session.value.signIn ? "password" : "confirmation";
    busy.value = true;
    problem.value = null;
    try {
      const answer = await send("POST", "/plugins/change", { action, package: name, [proof]: form.get(proof) });
      onStart(answer.body as PluginChangeView, answer.etag);
      onClose();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
    } finally {
      busy.value = false;
    }
  };
  return (
    <Dialog heading={words.actions[action](name)} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <p class="soft">{words.about[action]}</p>
        {session.value.signIn
          ? <label class="field">{words.password}<input name="password" type="password" required maxLength={1000} autocomplete="current-password" /></label>
          : <label class="field">{words.typeName(name)}<input name="confirmation" required maxLength={100} autocomplete="off" spellcheck={false} autocapitalize="none" /></label>}
        {problem.value && <p class="problem" role="alert"><Icon tone="bad" /><span>{problem.value.message} <span class="remedy">{problem.value.remedy}</span></span></p>}
        <div class="buttons">
          <button type="button" class="usual" onClick={onClose}>{strings.actions.cancel}</button>
          <button type="submit" class={action === "install" ? "primary" : "danger"} aria-disabled={busy.value}>{words[action]}</button>
        </div>
      </form>
    </Dialog>
  );
}
