// Runs a hook without a page: in a component that draws nothing.

import { h, render } from "preact";

/** What the hook returned last, and how to call it with other arguments. */
export interface Hooked<A, T> { readonly now: T; again: (argument: A) => void; end: () => void }

export function hook<A, T>(use: (argument: A) => T, first: A): Hooked<A, T> {
  let now: T | undefined;
  const Component = ({ argument }: { argument: A }): null => {
    now = use(argument);
    return null;
  };
  const root = { nodeType: 1, childNodes: [], firstChild: null, ownerDocument: document } as unknown as Element;
  const again = (argument: A): void => render(h(Component, { argument }), root);
  again(first);
  return { get now() { return now as T; }, again, end: () => render(null, root) };
}
