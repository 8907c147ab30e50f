// A sentence of the server, with what stands between backticks as code.

import type { VNode } from "preact";

export function Prose({ text }: { text: string }): VNode {
  return <>{text.split("`").map((part, number) => (number % 2 ? <code key={number}>{part}</code> : part))}</>;
}
