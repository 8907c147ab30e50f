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
import { SettingsHistory, isKnown } from "./settings-history";

const words = strings.providers;

export function ProviderSettingsForm({ name }: { name: string }): VNode {
  const path = `/providers/${encodeURIComponent(name)}/settings`;
  const remote = useRemote<ProviderSettings>(path);

  /** Save exactly these, where the settings still are those of `etag`. Returns their ETag. */
  const replace = async (saved: Fields, etag: string): Promise<string> => {
    const answer = await send("PUT", path, { values: saved }, { "If-Match": etag });
    remote.put(answer.body as ProviderSettings, answer.etag);
    return answer.etag;
  };
  const goBack = async (saved: Fields): Promise<void> => {
    const before = remote.data.value!.saved, etag = await replace(saved, remote.etag.value);
    notify(words.isBack, "good", isKnown(before) ? () => replace(before, etag) : null);
  };
  return (
    <>
      <RemoteView remote={remote}>
        {(settings) => <Form key={remote.etag.value} path={path} settings={settings} remote={remote} replace={replace} />}
      </RemoteView>
      {may("admin") && <SettingsHistory path={path} onGoBack={goBack} />}
    </>
  );
}

interface FormProps {
  path: string;
  settings: ProviderSettings;
  remote: Remote<ProviderSettings>;
  replace: (saved: Fields, etag: string) => Promise<string>;
}

function Form({ path, settings, remote, replace }: FormProps): VNode {
  const before: Fields = { ...settings.values, ...settings.saved };
  const values = useSignal<Fields>(before);
  const problem = useSignal<Problem | null>(null);
  const changed = difference(before, values.value), count = Object.keys(changed).length;
  const changedTo = useRef("");
  const show = ({ body, etag }: Answer): void => {
    changedTo.current = etag;
    remote.put(body as ProviderSettings, etag);
  };
  const undo = isKnown(settings.saved) ? (): Promise<string> => replace(settings.saved, changedTo.current) : null;

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
