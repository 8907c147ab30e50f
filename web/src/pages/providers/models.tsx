// The models of the engines: where each comes from, whether it is there, and what can be done with it.

import { useComputed } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { bytes } from "../../format";
import { Button } from "../../parts/button";
import { Card, Empty, Icon, Moment, Pill } from "../../parts/card";
import { areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { Remote } from "../../server/remote";
import type { ModelOperation, Models, ModelView } from "../../server/resources";
import { send } from "../../server/rest";
import { refusal } from "../../server/session";
import { sections } from "../../server/state";
import { strings } from "../../strings";
import type { Tone } from "../../tones";
import { ModelProgress } from "./model-progress";

const words = strings.models;
const TONES: Record<ModelView["state"], Tone> = { installed: "good", missing: "quiet", partial: "warn", damaged: "bad" };

/** The models, read again when one of them, or an engine's choice of a model, has changed. */
export function useModels(): Remote<Models> {
  const remote = useRemote<Models>("/models");
  const choices = useComputed(() => sections.changes.value?.["providers"] ?? 0).value;
  const before = useRef(choices);
  useEffect(() => {
    if (before.current !== choices) void remote.reload();
    before.current = choices;
  }, [choices]);
  return remote;
}

/** Names of the models that an engine needs and that are not there. */
export function lackingModels(provider: string, models: Models | null): string[] {
  return (models?.models ?? [])
    .filter((model) => model.state !== "installed" && model.providers.some((each) => each.name === provider && each.needs_it))
    .map((model) => model.name);
}

export function ModelsCard({ remote }: { remote: Remote<Models> }): VNode {
  const place = useRef<HTMLDivElement>(null);
  const free = remote.data.value?.free_bytes ?? null;
  const isThere = remote.data.value !== null;
  // A link from the dashboard leads here.
  useEffect(() => {
    if (isThere && location.hash === "#models") place.current?.scrollIntoView({ block: "start" });
  }, [isThere]);
  return (
    <div class="models-place" ref={place}>
      <Card id="models" heading={words.heading} aside={free !== null && <span class="soft" title={remote.data.value?.folder}>{words.free(bytes(free))}</span>}>
        <RemoteView remote={remote}>
          {({ models }) => (models.length ? <ModelList models={sorted(models)} /> : <Empty text={words.none} />)}
        </RemoteView>
      </Card>
    </div>
  );
}

/** Those of one engine; nothing where it has none. */
export function ModelsOfProvider({ provider, remote }: { provider: string; remote: Remote<Models> }): VNode | null {
  const own = (remote.data.value?.models ?? []).filter((model) => model.providers.some((each) => each.name === provider));
  if (!own.length) return null;
  return <section class="part"><h3>{words.ofEngine}</h3><ModelList models={sorted(own, provider)} /></section>;
}

/** First what an engine needs, and of this what is not there. */
function sorted(models: readonly ModelView[], provider?: string): ModelView[] {
  const rank = (model: ModelView): number => {
    const isNeeded = model.providers.some((each) => each.needs_it && (provider ? each.name === provider : each.used));
    return (isNeeded ? 0 : 2) + (model.state === "installed" ? 1 : 0);
  };
  return [...models].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function ModelList({ models }: { models: readonly ModelView[] }): VNode {
  return <ul class="rows models">{models.map((model) => <Row key={model.name} model={model} />)}</ul>;
}

/** What runs, or ended last: of the live state, which is newer than the list. */
function useOperation(model: ModelView): ModelOperation | null {
  return useComputed(() => sections.models.value?.[model.name] ?? null).value;
}

function isActive(operation: ModelOperation | null): operation is ModelOperation {
  return operation?.state === "queued" || operation?.state === "running";
}

function Row({ model }: { model: ModelView }): VNode {
  const operation = useOperation(model);
  useEndNotice(model, operation);
  const active = isActive(operation);
  // The reason of a download that failed is of no interest once the file is there by other means.
  const failed = operation?.state === "failed" && !(operation.kind === "download" && model.state === "installed") ? operation : null;
  return (
    <li class={`model ${model.state}`} aria-busy={active}>
      <div class="what">
        <p class="name"><strong>{model.name}</strong>{active
            ? <Pill tone="busy" text={words.active[operation.kind]} />
            : <Pill tone={TONES[model.state]} text={words.states[model.state] ?? model.state} title={model.damage || undefined} />}
          {model.local && <span class="tag" title={words.ownHint}>{words.own}</span>}</p>
        <p class="soft about">{model.description}</p>
        <Facts model={model} active={active} />
        {active && <ModelProgress name={model.name} operation={operation} />}
        {failed && <p class="problem" role="alert"><Icon tone="bad" /><span>{failed.problem} <span class="remedy">{failed.remedy}</span></span></p>}
        {!failed && model.damage && <p class="problem"><Icon tone="bad" /><span>{model.path} {model.damage}</span></p>}
      </div>
      <Actions model={model} operation={operation} />
    </li>
  );
}

/** Size, licence, source, who needs it, where it lies, and whether somebody has verified it. */
function Facts({ model, active }: { model: ModelView; active: boolean }): VNode {
  const hosts = [...new Set(model.sources.flatMap((source) => source.hosts))].join(", ");
  const packages = [...new Set(model.sources.flatMap((source) => source.packages))].join(", ");
  const users = model.providers.filter((each) => each.needs_it && each.used).map((each) => each.name).join(", ");
  const others = model.providers.map((each) => each.name).join(", ");
  const isThere = model.state === "installed";
  return (
    <>
      <div class="soft detail">
        <span>{bytes(model.size_bytes)}</span>
        <span>{model.licence_url
          ? <a href={model.licence_url} target="_blank" rel="noreferrer" aria-label={`${words.licenceOf(model.name)}: ${model.licence}`}>{model.licence}</a>
          : model.licence}</span>
        {hosts && <span title={packages || undefined}>{words.from(hosts)}</span>}
        {users ? <span>{words.usedBy(users)}</span> : others && <span>{words.isFor(others)}</span>}
        {isThere && <span>{model.verified_ts === null ? words.notVerified : <>{words.verified} <Moment ts={model.verified_ts} /></>}</span>}
        {model.state === "partial" && !active && <span>{words.partial(bytes(model.partial_bytes))}</span>}
      </div>
      {isThere && <p class="path"><code>{model.path}</code></p>}
    </>
  );
}

function Actions({ model, operation }: { model: ModelView; operation: ModelOperation | null }): VNode {
  const path = `/models/${encodeURIComponent(model.name)}`;
  const download = (): Promise<unknown> => send("POST", `${path}/download`);
  const remove = async (): Promise<void> => {
    const engines = model.providers.filter((each) => each.needs_it && each.used).map((each) => each.name).join(", ");
    const size = bytes(model.state === "installed" ? model.size_bytes : model.partial_bytes);
    const text = engines && model.state === "installed" ? words.removeUsed(model.name, engines) : words.removeSure(model.name, size);
    if (!(await areYouSure(words.remove, text, words.remove))) return;
    const { body } = await send("DELETE", `${path}?force=true`);
    notify(words.removed(model.name, bytes((body as { freed_bytes: number }).freed_bytes)), "good", download);
  };
  const refused = refusal("operate");
  if (isActive(operation)) {
    return <div class="actions"><Button refused={refused} onAct={() => send("DELETE", `${path}/download`)}>{words.cancel}</Button></div>;
  }
  const isThere = model.state === "installed", isNeeded = model.providers.some((each) => each.needs_it && each.used);
  return (
    <div class="actions">
      {!isThere && <Button kind={isNeeded ? "primary" : "usual"} refused={refused || (model.local ? words.ownHint : "")} onAct={download}>{downloadWord(model, operation)}</Button>}
      {isThere && <Button refused={refused} onAct={() => send("POST", `${path}/verification`)}>{words.verify}</Button>}
      {model.state !== "missing" && <Button kind="plain" refused={refusal("admin") || (model.local ? words.ownHint : "")} onAct={remove}>{words.remove}</Button>}
    </div>
  );
}

function downloadWord(model: ModelView, operation: ModelOperation | null): string {
  if (operation?.state === "failed" && operation.kind === "download") return words.retry;
  if (model.state === "damaged") return words.repair;
  return model.state === "partial" ? words.goOn : words.download;
}

/** Say when something that this page has seen running is done. */
function useEndNotice(model: ModelView, operation: ModelOperation | null): void {
  const wasActive = useRef(false);
  const active = isActive(operation);
  useEffect(() => {
    if (wasActive.current && operation?.state === "done") {
      notify(operation.kind === "download" ? words.downloaded(model.name) : words.isVerified(model.name));
    }
    wasActive.current = active;
  }, [active]);
}
