// The language model's system prompts: what counts, what it replaces, and an editor.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { notify } from "../../parts/notices";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { Prompt } from "../../server/resources";
import { send } from "../../server/rest";
import { may, refusal } from "../../server/session";
import { strings } from "../../strings";

const words = strings.system.prompts;
const MAX_CHARACTERS = 100_000;

export function PromptsSection(): VNode {
  const view = useRemote<{ prompts: Prompt[] }>("/prompts");
  const open = useSignal("");
  return (
    <Card id="prompts" heading={words.heading} aside={<span class="soft">{words.hint}</span>}>
      <RemoteView remote={view}>
        {({ prompts }) => (
          <ul class="rows prompts">
            {prompts.map((prompt) => {
              const key = `${prompt.name}/${prompt.language}`;
              return (
                <li key={key}>
                  <div class="what">
                    <strong>{prompt.name}</strong> <span class="tag">{prompt.language}</span> {prompt.saved && <span class="tag">{words.saved}</span>}
                    {open.value === key
                      ? <Editor key={prompt.text} prompt={prompt} onDone={() => void (open.value = "")} reload={view.reload} />
                      : <p class="words">{prompt.text}</p>}
                  </div>
                  {open.value !== key && <Button onAct={() => void (open.value = key)}>{may("admin") ? words.edit : words.show}</Button>}
                </li>
              );
            })}
          </ul>
        )}
      </RemoteView>
    </Card>
  );
}

function Editor({ prompt, onDone, reload }: { prompt: Prompt; onDone: () => void; reload: () => Promise<void> }): VNode {
  const text = useSignal(prompt.text);
  const path = `/prompts/${encodeURIComponent(prompt.name)}/${prompt.language}`;
  const put = async (changed: string | null): Promise<void> => {
    await (changed === null ? send("DELETE", path) : send("PUT", path, { text: changed }));
    await reload();
  };
  const undo = (): Promise<void> => put(prompt.saved ? prompt.text : null);
  const save = async (): Promise<void> => {
    await put(text.value);
    notify(words.wasSaved(prompt.name), "good", undo);
    onDone();
  };
  const reset = async (): Promise<void> => {
    await put(null);
    notify(words.wasReset(prompt.name), "good", undo);
    onDone();
  };
  const unchanged = text.value === prompt.text;
  return (
    <div class="editor">
      <textarea
        aria-label={prompt.name} rows={12} maxLength={MAX_CHARACTERS} readOnly={!may("admin")} defaultValue={prompt.text}
        onInput={(event) => void (text.value = event.currentTarget.value)}
      />
      {prompt.saved && prompt.built_in !== null && <details><summary>{words.builtIn}</summary><p class="words soft">{prompt.built_in}</p></details>}
      <div class="buttons">
        <Button kind="primary" refused={refusal("admin") || (unchanged ? strings.providers.nothingChanged : "")} onAct={save}>{strings.actions.save}</Button>
        {prompt.saved && <Button refused={refusal("admin")} onAct={reset}>{prompt.built_in === null ? strings.actions.delete : words.reset}</Button>}
        <Button kind="plain" onAct={onDone}>{strings.actions.cancel}</Button>
      </div>
    </div>
  );
}
