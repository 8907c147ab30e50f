// Every installed plugin, failed ones included, with its reason and its engines.

import { card, empty, h, mockBadge, pill } from "../dom";
import type { Tone } from "../dom";
import type { State } from "../state";
import { strings } from "../strings";
import type { Plugin } from "../types";

const words = strings.plugins;
const TONES: Record<string, Tone> = { loaded: "good", disabled: "quiet", incompatible: "warn", failed: "bad" };

export function pluginsCard() {
  const { root, body } = card("plugins", words.heading);
  const show = (state: State): void => {
    const plugins = state.sections.plugins;
    if (!plugins) return;
    body.replaceChildren(plugins.length
      ? h("ul", { class: "rows plugins" }, ...plugins.map(pluginItem))
      : empty(words.empty, words.emptyCommand));
  };
  return { root, show };
}

function pluginItem(plugin: Plugin): HTMLElement {
  return h("li", { class: plugin.state },
    h("div", { class: "what" },
      h("strong", { title: plugin.package }, plugin.name), " ", h("span", { class: "soft version" }, plugin.version),
      h("div", { class: "soft detail" }, ...engines(plugin)),
      plugin.reason ? h("p", { class: "reason" }, plugin.reason) : null),
    pill(TONES[plugin.state] ?? "quiet", words.states[plugin.state] ?? plugin.state));
}

function engines(plugin: Plugin): HTMLElement[] {
  if (!plugin.providers.length) return plugin.state === "loaded" ? [h("span", {}, words.noProviders)] : [];
  return plugin.providers.map((provider) => h("span", {},
    words.domains[provider.domain] ?? provider.domain, h("span", { class: "engine" }, provider.name), mockBadge(provider.mock)));
}
