// Pages whose files the browser gets when they are opened for the first time.

import type { ComponentType, VNode } from "preact";
import lazy from "preact-iso/lazy";

import { strings } from "../strings";
import { Card } from "./card";

const loaders = new Set<() => Promise<unknown>>();

/** A component of a module that `load` gets when it is first shown. */
export function later<M, P>(load: () => Promise<M>, component: (module: M) => ComponentType<P>): ComponentType<P> {
  loaders.add(load);
  return lazy<ComponentType<P>>(() => load().then(component, () => Unloaded as ComponentType<P>));
}

/** Get all modules, so that they open at once, also while the panel does not answer. */
export function loadRest(): void {
  for (const load of loaders) load().catch(() => undefined);  // whoever opens it asks again, and sees why
}

/** The panel was updated since this page was opened, or does not answer. */
function Unloaded(): VNode {
  const words = strings.unloaded;
  return (
    <Card id="unloaded" heading={words.heading}>
      <p role="alert">{words.text}</p>
      <button type="button" class="primary" onClick={() => location.reload()}>{words.again}</button>
    </Card>
  );
}
