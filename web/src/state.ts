// The browser's copy of the panel's state: the last snapshot with the later deltas applied.

import type { Row, Sections, StateDelta, Tables } from "./types";

export type Connection = "connecting" | "live" | "lost";

export class State {
  connection: Connection = "connecting";
  sections: Partial<Sections> = {};
  tables: Tables = { jobs: [], transcripts: [], speech: [], refused: [], activity: [] };
  loaded = false;
  private limits: Partial<Record<keyof Tables, number>> = {};
  private clockOffset = 0;

  /** Seconds since the epoch, by the server's clock: its times are compared with nothing else. */
  now(): number {
    return Date.now() / 1000 + this.clockOffset;
  }

  apply(delta: StateDelta): void {
    this.clockOffset = delta.now - Date.now() / 1000;
    if (delta.full) {
      this.limits = delta.limits ?? {};
      this.sections = {};
      this.tables = { jobs: [], transcripts: [], speech: [], refused: [], activity: [] };
    }
    Object.assign(this.sections, delta.sections);
    for (const name of Object.keys(delta.rows) as (keyof Tables)[]) {
      Object.assign(this.tables, { [name]: merged(this.tables[name], delta.rows[name] ?? [], this.limits[name]) });
    }
    this.loaded = true;
  }
}

function merged(known: readonly Row[], changed: readonly Row[], limit = 100): Row[] {
  const rows = new Map(known.map((row) => [row.key, row]));
  for (const row of changed) rows.set(row.key, row);
  return [...rows.values()].sort((a, b) => b.rank - a.rank).slice(0, limit);
}
