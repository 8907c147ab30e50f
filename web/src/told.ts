// Translates frequent sentences of the server's processes into the page's language.

import { strings } from "./strings";

/** Separates several problems in one text. */
const BETWEEN = "; ";

export function told(text: string): string {
  return sentence(text) ?? text.split(BETWEEN).map((each) => sentence(each) ?? each).join(BETWEEN);
}

function sentence(text: string): string | null {
  for (const [pattern, ours] of strings.told) {
    const parts = pattern.exec(text);
    if (parts) return ours.replace(/\$(\d)|\{(\d)\}/g, (_, plain?: string, nested?: string) => (plain ? parts[Number(plain)]! : told(parts[Number(nested)]!)));
  }
  return null;
}
