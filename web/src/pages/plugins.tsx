// Every installed plugin: what it brings, and why it does not work where it does not.

import type { VNode } from "preact";

import { Card, Empty, MockBadge, Pill } from "../parts/card";
import { RemoteView } from "../parts/remote-view";
import { useRemote } from "../server/remote";
import type { PluginView } from "../server/resources";
import { ROOT } from "../server/root";
import { strings } from "../strings";
import type { Tone } from "../tones";

const words = strings.plugins;
const TONES: Record<string, Tone> = { loaded: "good", disabled: "quiet", incompatible: "warn", failed: "bad" };

export function PluginsPage(): VNode {
  const view = useRemote<{ plugins: PluginView[] }>("/plugins");
  return (
    <Card id="plugin-list" heading={words.heading}>
      <RemoteView remote={view}>
        {({ plugins }) => plugins.length
          ? <ul class="rows plugin-list">{sorted(plugins).map((plugin) => <Row key={plugin.name} plugin={plugin} />)}</ul>
          : <Empty text={words.empty} command={words.emptyCommand} />}
      </RemoteView>
    </Card>
  );
}

/** Those with a fault come first. */
function sorted(plugins: readonly PluginView[]): PluginView[] {
  const order = ["failed", "incompatible", "loaded", "disabled"];
  return [...plugins].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.name.localeCompare(b.name));
}

function Row({ plugin }: { plugin: PluginView }): VNode {
  const [summary, ...rest] = plugin.reason.split("\n");
  return (
    <li class={plugin.state}>
      <div class="what">
        <strong>{plugin.name}</strong> <span class="soft">{plugin.version}</span>
        <div class="soft detail">{plugin.package && <code>{plugin.package}</code>}</div>
        {summary && <p class="reason">{summary}</p>}
        {rest.length > 0 && <details><summary>{strings.queue.traceback}</summary><pre class="traceback" tabIndex={0}>{rest.join("\n")}</pre></details>}
        {(plugin.state === "failed" || plugin.state === "incompatible") && <p class="remedy soft">{strings.attention.pluginRemedy}</p>}
      </div>
      <ul class="engines">
        {plugin.providers.map((provider) => (
          <li key={provider.name}>
            <span class="soft">{words.domains[provider.domain] ?? provider.domain}</span>{" "}
            <a href={`${ROOT}/control/${encodeURIComponent(provider.name)}`}>{provider.name}</a><MockBadge mock={provider.mock} />
          </li>
        ))}
        {!plugin.providers.length && plugin.state === "loaded" && <li class="soft">{words.noProviders}</li>}
      </ul>
      <Pill tone={TONES[plugin.state] ?? "quiet"} text={words.states[plugin.state] ?? plugin.state} />
    </li>
  );
}
