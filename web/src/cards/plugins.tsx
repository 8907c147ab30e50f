// Every installed plugin, failed ones included, with its reason and its engines.

import type { VNode } from "preact";

import { Card, Empty, MockBadge, Pill } from "../parts/card";
import { sections } from "../server/state";
import { strings } from "../strings";
import type { Tone } from "../tones";
import type { Plugin } from "../server/messages";

const words = strings.plugins;
const TONES: Record<string, Tone> = { loaded: "good", disabled: "quiet", incompatible: "warn", failed: "bad" };

export function PluginsCard(): VNode {
  const plugins = sections.plugins.value;
  return (
    <Card id="plugins" heading={words.heading} scrolls>
      {plugins && (plugins.length
        ? <ul class="rows plugins">{plugins.map((plugin) => <Row key={plugin.name} plugin={plugin} />)}</ul>
        : <Empty text={words.empty} command={words.emptyCommand} />)}
    </Card>
  );
}

function Row({ plugin }: { plugin: Plugin }): VNode {
  return (
    <li class={plugin.state}>
      <div class="what">
        <strong title={plugin.package}>{plugin.name}</strong> <span class="soft version">{plugin.version}</span>
        <div class="soft detail"><Engines plugin={plugin} /></div>
        {plugin.reason && <p class="reason">{plugin.reason}</p>}
      </div>
      <Pill tone={TONES[plugin.state] ?? "quiet"} text={words.states[plugin.state] ?? plugin.state} />
    </li>
  );
}

function Engines({ plugin }: { plugin: Plugin }): VNode | null {
  if (!plugin.providers.length) return plugin.state === "loaded" ? <span>{words.noProviders}</span> : null;
  return (
    <>
      {plugin.providers.map((provider) => (
        <span key={provider.name}>
          {words.domains[provider.domain] ?? provider.domain}
          <span class="engine">{provider.name}</span>
          <MockBadge mock={provider.mock} />
        </span>
      ))}
    </>
  );
}
