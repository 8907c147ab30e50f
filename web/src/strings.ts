// The page's language, and every text in it: the one that was chosen here, else the browser's, else English.

import type { Strings } from "./words/en";

export const LANGUAGES = { en: "English", pl: "Polski" } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = "rider.language";

function isLanguage(text: string | null | undefined): text is Language {
  return text === "en" || text === "pl";
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {  // a browser that keeps nothing
    return null;
  }
}

function preferred(): Language {
  const chosen = stored();
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((name) => name.split("-")[0]).find(isLanguage) ?? "en";
}

export const language: Language = preferred();
/** Modules use it while they load: main.ts loads it before all others. */
export let strings!: Strings;

export async function loadStrings(): Promise<void> {
  strings = language === "pl" ? (await import("./words/pl")).pl : (await import("./words/en")).en;
}

/** Show the page in another language. */
export function speak(chosen: Language): void {
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // A browser that keeps nothing shows its own language again.
  }
  location.reload();
}
