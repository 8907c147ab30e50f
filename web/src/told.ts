// What a process tells in a sentence of its own, in the page's language where the sentence is a frequent one.

import { strings } from "./strings";

/** Several problems come in one text, parted by semicolons. */
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
