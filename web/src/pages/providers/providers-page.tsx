// The engines of each domain: which one serves, how each is set, and a try of each.

import type { VNode } from "preact";

import { Domains } from "../../cards/domains";
import { Card, Empty, MockBadge, Pill } from "../../parts/card";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { Models, ProviderView } from "../../server/resources";
import { ROOT } from "../../server/root";
import { sections } from "../../server/state";
import { strings } from "../../strings";
import { ModelsCard, lackingModels, useModels } from "./models";
import { ProviderDetails } from "./provider-details";

const words = strings.providers;
const DOMAINS = ["speech_to_text", "text_to_speech", "object_detection", "text_generation"];

export function ProvidersPage({ provider }: { provider?: string }): VNode {
  const view = useRemote<{ providers: ProviderView[] }>("/providers");
  const models = useModels();
  const chosen = view.data.value?.providers.find((each) => each.name === provider);
  const domains = sections.robot.value?.domains ?? {};
  return (
    <div class={chosen ? "providers-page with-provider" : "providers-page"}>
      <div class="stack">
        <Card id="who-serves" heading={words.whoServes}>
          {Object.keys(domains).length ? <Domains known={domains} /> : <Empty text={strings.robot.domainsEmpty} />}
        </Card>
        <Card id="providers" heading={words.heading}>
          <RemoteView remote={view}>
            {({ providers }) => DOMAINS.map((domain) => (
              <Domain key={domain} domain={domain} providers={providers.filter((each) => each.domain === domain)} chosen={provider ?? ""} models={models.data.value} />
            ))}
          </RemoteView>
        </Card>
      </div>
      {!provider && <ModelsCard remote={models} />}
      {chosen && <ProviderDetails key={chosen.name} provider={chosen} models={models} />}
      {provider && view.data.value && !chosen && (
        <Card id="provider" heading={provider}><Empty text={words.unknown(provider)} command="rider plugins list" /></Card>
      )}
    </div>
  );
}

interface DomainProps { domain: string; providers: readonly ProviderView[]; chosen: string; models: Models | null }

function Domain({ domain, providers, chosen, models }: DomainProps): VNode {
  const rank = (each: ProviderView): number => each.place ?? 1000 + (each.mock ? 1 : 0);
  const sorted = [...providers].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  return (
    <div class="domain" role="group" aria-labelledby={`domain-${domain}`}>
      <h3 id={`domain-${domain}`}>{words.domains[domain] ?? domain}</h3>
      {sorted.length ? (
        <ul class="choices">
          {sorted.map((each) => (
            <li key={each.name}>
              <a href={`${ROOT}/control/${encodeURIComponent(each.name)}`} aria-current={each.name === chosen ? "true" : undefined}>
                <span class="what"><strong>{each.name}</strong><MockBadge mock={each.mock} /><span class="soft">{placeOf(each)}</span></span>
                <State provider={each} models={models} />
              </a>
            </li>
          ))}
        </ul>
      ) : <Empty text={words.none} command={words.install[domain] ?? ""} />}
    </div>
  );
}

function placeOf(provider: ProviderView): string {
  if (!provider.enabled) return "";
  if (provider.place === null) return words.byName;
  return provider.place === 1 ? words.first : words.fallback(provider.place);
}

/** Whether a worker has the engine ready. Workers open an engine when its first job comes. */
export function State({ provider, models }: { provider: ProviderView; models: Models | null }): VNode {
  if (!provider.enabled) return <Pill tone="warn" text={words.off} />;
  if (provider.problem) return <Pill tone="bad" text={words.wrongSettings} title={provider.problem} />;
  const ready = workersWith(provider.name).length > 0, lacking = lackingModels(provider.name, models).join(", ");
  if (!ready && lacking) return <Pill tone="warn" text={strings.models.lacking} title={strings.models.lackingHint(lacking)} />;
  return ready ? <Pill tone="good" text={words.ready} /> : <Pill tone="quiet" text={words.notOpen} title={words.notOpenHint} />;
}

/** The live processes that have this engine, and what each says about it. */
export function workersWith(name: string): { process: string; details: string }[] {
  return (sections.processes.value ?? []).filter((process) => process.alive).flatMap((process) =>
    process.providers.filter((each) => each.name === name).map((each) => ({ process: process.name, details: each.details ?? "" })));
}
