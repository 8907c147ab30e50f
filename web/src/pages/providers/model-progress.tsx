// The progress of a model's download or verification: what is done, how far it is, how fast, and how long it takes yet.

import type { VNode } from "preact";

import { bytes, span } from "../../format";
import type { ModelOperation } from "../../server/resources";
import { strings } from "../../strings";

const words = strings.models;

export function ModelProgress({ name, operation }: { name: string; operation: ModelOperation }): VNode {
  const { state, phase, done_bytes: done, total_bytes: total, bytes_per_s: rate } = operation;
  const isKnown = state === "running" && total > 0;
  return (
    <div class="progress">
      <progress aria-label={words.progressOf(name)} {...(isKnown ? { max: total, value: Math.min(done, total) } : {})} />
      <p class="soft detail">
        <span>{words.phases[state === "queued" ? "queued" : phase] ?? phase}</span>
        {isKnown && <span>{words.of(bytes(done), bytes(total))}</span>}
        {rate !== null && rate > 0 && <span>{bytes(rate)}/{strings.units.s}</span>}
        {rate !== null && rate > 0 && total > done && <span>{words.left(span((total - done) / rate))}</span>}
      </p>
    </div>
  );
}
