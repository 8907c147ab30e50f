// The question before a package is installed or removed: the password once more, or its typed name where nobody signs in.

import type { VNode } from "preact";

import { FormDialog } from "../../parts/dialog-form";
import type { PluginAction, PluginChangeView } from "../../server/resources";
import { send } from "../../server/rest";
import { session } from "../../server/session";
import { strings } from "../../strings";

const words = strings.plugins.installation;

interface ConfirmProps {
  action: PluginAction; name: string; onClose: () => void; onStart: (view: PluginChangeView, etag: string) => void;
}

export function ConfirmChange({ action, name, onClose, onStart }: ConfirmProps): VNode {
  const { signIn } = session.value;
  const start = async (form: FormData): Promise<void> => {
    const proof = signIn ? "password" : "confirmation";
    const answer = await send("POST", "/plugins/change", { action, package: name, [proof]: form.get(proof) });
    onStart(answer.body as PluginChangeView, answer.etag);
    onClose();
  };
  return (
    <FormDialog heading={words.actions[action](name)} action={words[action]} kind={action === "install" ? "primary" : "danger"} onClose={onClose} onSubmit={start}>
      <p class="soft">{words.about[action]}</p>
      {signIn
        ? <label class="field">{words.password}<input name="password" type="password" required maxLength={1000} autocomplete="current-password" /></label>
        : <label class="field">{words.typeName(name)}<input name="confirmation" required maxLength={100} autocomplete="off" spellcheck={false} autocapitalize="none" /></label>}
    </FormDialog>
  );
}
