// Every setting with its value, and where the value comes from.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Card, Empty } from "../../parts/card";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { Setting } from "../../server/resources";
import { strings } from "../../strings";

const words = strings.system.settings;
const DEFAULT = "default";

export function SettingsSection(): VNode {
  const view = useRemote<{ settings: Setting[]; file: string }>("/settings");
  const search = useSignal("");
  const wanted = search.value.toLowerCase();
  const isShown = (setting: Setting): boolean =>
    [setting.name, setting.variable, setting.description, textOf(setting.value)].some((text) => text.toLowerCase().includes(wanted));
  return (
    <Card id="settings" heading={words.heading} aside={
      <input type="search" aria-label={words.search} placeholder={words.search} onInput={(event) => void (search.value = event.currentTarget.value)} />
    }>
      <RemoteView remote={view}>
        {({ settings, file }) => {
          const shown = settings.filter(isShown);
          return (
            <>
              <p class="soft">{words.hint} <code>{file}</code></p>
              {shown.length ? <ul class="rows settings">{shown.map((setting) => <Row key={setting.name} setting={setting} />)}</ul> : <Empty text={words.none} />}
            </>
          );
        }}
      </RemoteView>
    </Card>
  );
}

function Row({ setting: { name, value, origin, variable, description } }: { setting: Setting }): VNode {
  return (
    <li class={origin === DEFAULT ? undefined : "set"}>
      <div class="what">
        <strong>{name}</strong> <code class="soft">{variable}</code>
        <div class="soft detail">{description}</div>
      </div>
      <div class="value"><code>{textOf(value)}</code><span class="soft">{origin === DEFAULT ? words.byDefault : origin}</span></div>
    </li>
  );
}

function textOf(value: unknown): string {
  if (value === null || value === "") return strings.none;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
