// The browser's copy of the panel's state: the last snapshot with the later deltas applied. Whatever is shown reads
// these signals, and is drawn again when one that it has read changes.

import { batch, computed, signal } from "@preact/signals";
import type { Signal } from "@preact/signals";

import type { Row, Sections, StateDelta, Tables } from "./messages";

export type Connection = "connecting" | "live" | "lost";

export const connection = signal<Connection>("connecting");
/** Whether a snapshot has come. */
export const loaded = signal(false);
/** The server's time, in whole seconds since the epoch: its times are compared with nothing else. */
export const clock = signal(Math.floor(Date.now() / 1000));

type SectionSignals = { readonly [Name in keyof Sections]: Signal<Sections[Name] | undefined> };
type TableSignals = { readonly [Name in keyof Tables]: Signal<Tables[Name]> };

export const sections: SectionSignals = {
  robot: signal(undefined), telemetry: signal(undefined), redis: signal(undefined), processes: signal(undefined),
  plugins: signal(undefined), queues: signal(undefined), bus: signal(undefined), outages: signal(undefined),
  database: signal(undefined), changes: signal(undefined), models: signal(undefined), plugin_host: signal(undefined),
  kept: signal(undefined),
};
export const tables: TableSignals = {
  jobs: signal([]), transcripts: signal([]), speech: signal([]), refused: signal([]), activity: signal([]),
};
export const linkAlive = computed(() =>
  (sections.processes.value ?? []).some((process) => process.role === "link" && process.alive));

let limits: Partial<Record<keyof Tables, number>> = {};
let clockOffset = 0;

/** The server's time in seconds, as exactly as it is known here. */
export function serverNow(): number {
  return Date.now() / 1000 + clockOffset;
}

export function tick(): void {
  clock.value = Math.floor(serverNow());
}

export function apply(delta: StateDelta): void {
  clockOffset = delta.now - Date.now() / 1000;
  batch(() => {
    if (delta.full) {
      limits = delta.limits ?? {};
      for (const section of Object.values(sections)) section.value = undefined;
      for (const table of Object.values(tables)) table.value = [];
    }
    for (const [name, value] of Object.entries(delta.sections)) setSection(name, value);
    for (const [name, rows] of Object.entries(delta.rows)) mergeRows(name, rows);
    loaded.value = true;
    tick();
  });
}

function setSection(name: string, value: unknown): void {
  // A panel of another version may send one that this page does not know.
  const section = (sections as Record<string, Signal<unknown>>)[name];
  if (section) section.value = value;
}

function mergeRows(name: string, changed: readonly Row[]): void {
  const table = (tables as unknown as Record<string, Signal<Row[]>>)[name];
  if (!table) return;
  const rows = new Map(table.value.map((row) => [row.key, row]));
  for (const row of changed) rows.set(row.key, row);
  const limit = limits[name as keyof Tables] ?? 100;
  table.value = [...rows.values()].sort((a, b) => b.rank - a.rank).slice(0, limit);
}
