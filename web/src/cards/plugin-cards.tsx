// Cards of plugins: each has rows of text, which its plugin's route gives.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { Card, Empty, Icon, Pill } from "../parts/card";
import type { Titled } from "../server/messages";
import { readCard } from "../server/plugin-card";
import type { CardRow } from "../server/plugin-card";
import { sections } from "../server/state";
import { strings } from "../strings";

/** Between two looks of a visible page, in ms. */
const EVERY_MS = 10_000;

export function PluginCards(): VNode {
  return <>{sections.plugin_host.value?.cards.map((card) => <PluginCard key={card.path} card={card} />)}</>;
}

function PluginCard({ card }: { card: Titled }): VNode {
  const rows = useSignal<CardRow[] | null>(null);
  const problem = useSignal("");
  useEffect(() => {
    const read = async (): Promise<void> => {
      if (document.hidden) return;
      const answer = await readCard(card.path);
      problem.value = typeof answer === "string" ? answer : "";
      if (typeof answer !== "string") rows.value = answer;
    };
    void read();
    const timer = setInterval(() => void read(), EVERY_MS);
    return () => clearInterval(timer);
  }, [card.path]);
  return (
    <Card id={`plugin${card.path.replace(/[/.]/g, "-")}`} heading={card.title}>
      {problem.value && <p class="problem" role="status"><Icon tone="bad" /><span>{problem.value}</span></p>}
      {rows.value?.length ? <ul class="rows">{rows.value.map((row, number) => <Row key={number} row={row} />)}</ul>
        : !problem.value && <Empty text={rows.value ? strings.plugins.emptyCard : strings.rest.loading} />}
    </Card>
  );
}

function Row({ row }: { row: CardRow }): VNode {
  return (
    <li>
      <div class="what">{row.name}</div>
      {row.tone === "quiet" ? <span class="soft">{row.value}</span> : <Pill tone={row.tone} text={row.value} />}
    </li>
  );
}
