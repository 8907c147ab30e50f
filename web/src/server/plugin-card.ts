// Reads the content of a plugin's card. A plugin may answer anything: only rows of text come out, limited in number and length.

import { strings } from "../strings";
import { ROOT } from "./root";

export interface CardRow { name: string; value: string; tone: "good" | "warn" | "bad" | "quiet" }

const LIMIT_MS = 9_000;
const MAX_ROWS = 20, MAX_NAME = 80, MAX_VALUE = 200;
const TONES: readonly string[] = ["good", "warn", "bad", "quiet"];

/** The rows, or a sentence that says why there are none. */
export async function readCard(path: string): Promise<CardRow[] | string> {
  try {
    const answer = await fetch(ROOT + path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(LIMIT_MS) });
    if (!answer.ok) return strings.plugins.cardFailed(answer.status);
    const rows = ((await answer.json()) as { rows?: unknown } | null)?.rows;
    return Array.isArray(rows) ? rows.slice(0, MAX_ROWS).map(rowOf) : strings.plugins.noCard;
  } catch (error) {
    return error instanceof SyntaxError ? strings.plugins.noCard : strings.rest.noPanel;
  }
}

function rowOf(row: unknown): CardRow {
  const fields = (typeof row === "object" && row !== null ? row : {}) as Record<string, unknown>;
  const text = (name: string, most: number): string => String(fields[name] ?? "").slice(0, most);
  const tone = text("tone", 10);
  return { name: text("name", MAX_NAME), value: text("value", MAX_VALUE), tone: TONES.includes(tone) ? (tone as CardRow["tone"]) : "quiet" };
}
