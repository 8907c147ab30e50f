// An engine's settings as a form from its schema: what differs is marked, and a change can be undone.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useRef } from "preact/hooks";

import { Button } from "../../parts/button";
import { Icon } from "../../parts/card";
import { areYouSure } from "../../parts/dialog";
import { FormFields } from "../../parts/form/form";
import { difference } from "../../parts/form/schema";
import { notify } from "../../parts/notices";
import { ProblemText } from "../../parts/problem-text";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { Remote } from "../../server/remote";
import type { Fields, ProviderSettings } from "../../server/resources";
import { Problem, send } from "../../server/rest";
import type { Answer } from "../../server/rest";
import { may, refusal } from "../../server/session";
import { strings } from "../../strings";

const words = strings.providers;
/** What the server shows in the place of a secret. */
const HIDDEN = "***";

export function ProviderSettingsForm({ name }: { name: string }): VNode {
  const remote = useRemote<ProviderSettings>(`/providers/${encodeURIComponent(name)}/settings`);
  return <RemoteView remote={remote}>{(settings) => <Form key={remote.etag.value} settings={settings} remote={remote} />}</RemoteView>;
}

function Form({ settings, remote }: { settings: ProviderSettings; remote: Remote<ProviderSettings> }): VNode {
  const before: Fields = { ...settings.values, ...settings.saved };
  const values = useSignal<Fields>(before);
  const problem = useSignal<Problem | null>(null);
  const path = `/providers/${encodeURIComponent(settings.provider)}/settings`;
  const changed = difference(before, values.value), count = Object.keys(changed).length;
  const changedTo = useRef("");
  const show = ({ body, etag }: Answer): void => {
    changedTo.current = etag;
    remote.put(body as ProviderSettings, etag);
  };

  /** What was saved before; a secret that the page has never seen cannot be put back. */
  const restore = async (): Promise<void> => {
    let answer = await send("DELETE", path, undefined, { "If-Match": changedTo.current });
    if (Object.keys(settings.saved).length) answer = await send("PATCH", path, { values: settings.saved }, { "If-Match": answer.etag });
    show(answer);
  };
  const undo = JSON.stringify(settings.saved).includes(HIDDEN) ? null : restore;

  const save = async (): Promise<void> => {
    problem.value = null;
    try {
      show(await send("PATCH", path, { values: changed }, { "If-Match": remote.etag.value }));
      notify(words.saved(Object.keys(changed).join(", ")), "good", undo);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
    }
  };
  const reset = async (): Promise<void> => {
    if (!(await areYouSure(words.reset, words.resetSure(Object.keys(settings.saved).join(", ")), words.reset))) return;
    show(await send("DELETE", path, undefined, { "If-Match": remote.etag.value }));
    notify(words.wasReset, "good", undo);
  };

  if (!Object.keys(settings.json_schema.properties ?? {}).length) return <p class="soft">{words.noSettings}</p>;
  return (
    <div class="settings-form">
      {settings.problem && <p class="problem"><Icon tone="bad" /><span>{settings.problem}</span></p>}
      <FormFields
        schema={settings.json_schema} values={values} before={before} readOnly={!may("admin")}
        wrong={wrongFields(problem.value)}
      />
      {problem.value && <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>}
      <div class="buttons">
        <Button kind="primary" refused={refusal("admin") || (count ? "" : words.nothingChanged)} onAct={save}>{count ? words.save(count) : strings.actions.save}</Button>
        {Object.keys(settings.saved).length > 0 && <Button refused={refusal("admin")} kind="plain" onAct={reset}>{words.reset}</Button>}
      </div>
    </div>
  );
}

/** The field that a sentence of the server names, as "the settings of provider 'x' are wrong: FIELD: why". */
function wrongFields(problem: Problem | null): { field: string; message: string }[] {
  const found = /are wrong: ([A-Za-z_.]+): (.*)$/s.exec(problem?.message ?? "");
  return found ? [{ field: found[1]!, message: found[2]! }] : [];
}
