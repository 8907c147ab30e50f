// Every installed plugin, how to get others, and what to do when one breaks the start.

import type { VNode } from "preact";

import { Card, Empty, Icon } from "../../parts/card";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { PluginView, PluginsView } from "../../server/resources";
import { strings } from "../../strings";
import { InstallationCard } from "./installation";
import { PluginRow } from "./plugin-row";

const words = strings.plugins;

export function PluginsPage(): VNode {
  const view = useRemote<PluginsView>("/plugins");
  const data = view.data.value;
  return (
    <div class="plugins-page">
      {data && <States view={data} />}
      <Card id="plugin-list" heading={words.heading}>
        <RemoteView remote={view}>
          {({ plugins }) => plugins.length
            ? <ul class="rows plugin-list">{sorted(plugins).map((plugin) => <PluginRow key={plugin.name} plugin={plugin} />)}</ul>
            : <Empty text={words.empty} command={words.emptyCommand} />}
        </RemoteView>
      </Card>
      {data && <InstallationCard view={data} onEnd={view.reload} />}
      <Card id="start-help" heading={words.help.heading}>
        <ol class="steps">
          {words.help.steps.map(({ text, command }) => <li key={command}>{text} <code>{command}</code></li>)}
        </ol>
      </Card>
    </div>
  );
}

/** Those with a fault come first. */
function sorted(plugins: readonly PluginView[]): PluginView[] {
  const order = ["failed", "incompatible", "loaded", "disabled"];
  return [...plugins].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.name.localeCompare(b.name));
}

/** What holds for all plugins: nothing is loaded, or other things than are installed. */
function States({ view }: { view: PluginsView }): VNode | null {
  if (!view.safe_mode && !view.changed.length) return null;
  const changes = view.changed.map(({ plugin, kind }) => words.changed[kind]?.(plugin) ?? plugin).join(", ");
  return (
    <div role="status">
      {view.safe_mode && <State heading={words.safeMode} text={words.safeModeRemedy} />}
      {view.changed.length > 0 && <State heading={words.restart(changes)} text={words.restartRemedy} />}
    </div>
  );
}

function State({ heading, text }: { heading: string; text: string }): VNode {
  return (
    <div class="trouble mild">
      <Icon tone="warn" />
      <div><strong>{heading}</strong><span class="remedy">{text}</span></div>
    </div>
  );
}
