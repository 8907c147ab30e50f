// One plugin: what it brings, and why it does not work where it does not.

import type { VNode } from "preact";

import { MockBadge, Pill } from "../../parts/card";
import type { PluginView } from "../../server/resources";
import { ROOT } from "../../server/root";
import { strings } from "../../strings";
import type { Tone } from "../../tones";

const words = strings.plugins;
const TONES: Record<string, Tone> = { loaded: "good", disabled: "quiet", incompatible: "warn", failed: "bad" };

export function PluginRow({ plugin }: { plugin: PluginView }): VNode {
  return (
    <li class={plugin.state}>
      <div class="what">
        <strong>{plugin.name}</strong> <span class="soft">{plugin.version}</span>
        <div class="soft detail">{plugin.package && <code>{plugin.package}</code>}</div>
        {plugin.reason && <p class="reason">{plugin.reason}</p>}
        {plugin.traceback && <details><summary>{strings.queue.traceback}</summary><pre class="traceback" tabIndex={0}>{plugin.traceback}</pre></details>}
        {(plugin.state === "failed" || plugin.state === "incompatible") && <p class="remedy soft">{strings.attention.pluginRemedy}</p>}
      </div>
      <Brings plugin={plugin} />
      <Pill tone={TONES[plugin.state] ?? "quiet"} text={words.states[plugin.state] ?? plugin.state} />
    </li>
  );
}

/** Its engines, and everything else that it registers, by kind. */
function Brings({ plugin }: { plugin: PluginView }): VNode {
  const others = new Map<string, string[]>();
  for (const { kind, name } of plugin.registers) {
    if (kind !== "provider") others.set(kind, [...(others.get(kind) ?? []), name]);
  }
  return (
    <ul class="engines">
      {plugin.providers.map((provider) => (
        <li key={provider.name}>
          <span class="soft">{words.domains[provider.domain] ?? provider.domain}</span>{" "}
          <a href={`${ROOT}/control/${encodeURIComponent(provider.name)}`}>{provider.name}</a><MockBadge mock={provider.mock} />
        </li>
      ))}
      {[...others].map(([kind, names]) => (
        <li key={kind}>
          <span class="soft">{words.kinds[kind] ?? kind}</span>{" "}
          {names.map((name) => (kind === "hook" && words.hooks[name]) || name).join(", ")}
        </li>
      ))}
      {!plugin.registers.length && plugin.state === "loaded" && <li class="soft">{words.nothing}</li>}
    </ul>
  );
}
