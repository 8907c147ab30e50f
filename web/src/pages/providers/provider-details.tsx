// One engine: where it runs, a try of it, and its settings.

import type { VNode } from "preact";

import { Card, MockBadge } from "../../parts/card";
import type { Remote } from "../../server/remote";
import type { Models, ProviderView } from "../../server/resources";
import { ROOT } from "../../server/root";
import { strings } from "../../strings";
import { Button } from "../../parts/button";
import { notify } from "../../parts/notices";
import { send } from "../../server/rest";
import { refusal } from "../../server/session";
import { ModelsOfProvider } from "./models";
import { State, workersWith } from "./providers-page";
import { ProviderSettingsForm } from "./provider-settings";
import { ProviderTest } from "./provider-test";

const words = strings.providers;

export function ProviderDetails({ provider, models }: { provider: ProviderView; models: Remote<Models> }): VNode {
  const workers = workersWith(provider.name);
  return (
    <Card id="provider" heading={words.domains[provider.domain] ?? provider.domain} aside={<a class="plain" href={`${ROOT}/control`}>{words.closeProvider}</a>}>
      <div class="lead"><span class="title">{provider.name}</span><MockBadge mock={provider.mock} /><State provider={provider} models={models.data.value} /></div>
      <Choices provider={provider} />
      <dl class="facts">
        <div><dt>{words.plugin}</dt><dd>{provider.plugin || strings.none}</dd></div>
        {workers.map(({ process, details }) => <div key={process}><dt>{process}</dt><dd>{details || words.ready}</dd></div>)}
      </dl>
      <ModelsOfProvider provider={provider.name} remote={models} />
      <section class="part"><h3>{words.test}</h3><ProviderTest provider={provider} /></section>
      <section class="part"><h3>{words.settings}</h3><ProviderSettingsForm name={provider.name} /></section>
    </Card>
  );
}

/** Whether it is used at all, and before the others. Running workers heed it within seconds. */
function Choices({ provider: { name, enabled, place } }: { provider: ProviderView }): VNode {
  const path = `/providers/${encodeURIComponent(name)}`;
  const refused = refusal("operate");
  const enable = async (on: boolean): Promise<void> => {
    await send("PATCH", path, { enabled: on });
    notify(on ? words.isOn(name) : words.isOff(name), on ? "good" : "warn", () => enable(!on));
  };
  const useFirst = async (): Promise<void> => {
    await send("PATCH", path, { first: true });
    notify(words.isFirst(name));
  };
  return (
    <div class="buttons">
      <Button refused={refused} onAct={() => enable(!enabled)}>{enabled ? words.switchOff : words.switchOn}</Button>
      {enabled && place !== 1 && <Button refused={refused} onAct={useFirst}>{words.useFirst}</Button>}
    </div>
  );
}
