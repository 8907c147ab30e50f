// Refused input of the robot; nothing without any.

import type { VNode } from "preact";

import { Card, Moment } from "../parts/card";
import { tables } from "../server/state";
import { strings } from "../strings";

const SHOWN = 8;

export function RefusedCard(): VNode | null {
  const rows = tables.refused.value;
  if (!rows.length) return null;
  const hint = strings.refused.hint(Math.max(...rows.map((row) => row.count)));
  return (
    <Card id="refused" heading={strings.refused.heading} aside={<span class="soft">{hint}</span>}>
      <ul class="rows">
        {rows.slice(0, SHOWN).map((row) => (
          <li key={row.key}>
            <div class="what">
              <strong>{row.topic || row.code}</strong>
              <div class="soft detail"><span>{row.message}</span></div>
            </div>
            <span class="soft"><Moment ts={row.ts} /></span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
