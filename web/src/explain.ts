// What people read of a problem: in English the server's own sentence; in another language a sentence of ours, chosen by
// the problem's code, and the server's beneath it.

import { language, strings } from "./strings";

/** The language of the server's sentences. */
export const SERVER_LANGUAGE = "en";

/** `status` 0: the page itself found it, and has said it in its language. A job's problem has none. */
export interface Explained { code: string; message: string; remedy?: string | null; status?: number }

/** `detail` is the server's sentence where `text` is not. */
export function explain({ code, message, status }: Explained): { text: string; detail: string } {
  const ours = new Map(Object.entries(strings.problems)).get(code);
  if (status === 0 || !ours || (language === SERVER_LANGUAGE && message)) return { text: message, detail: "" };
  return { text: ours, detail: message };
}
