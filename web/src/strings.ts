// The page's language, and every text in it: the one that was chosen here, else the browser's, else English.

import { en } from "./words/en";
import type { Strings } from "./words/en";
import { pl } from "./words/pl";

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
export const strings: Strings = { en, pl }[language];

/** Show the page in another language. */
export function speak(chosen: Language): void {
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // A browser that keeps nothing shows its own language again.
  }
  location.reload();
}
