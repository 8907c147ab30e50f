// The plural forms of Polish.

const RULES = new Intl.PluralRules("pl");

/** 1 zadanie, 2 zadania, 5 zadań. */
export function plural(count: number, one: string, few: string, many: string): string {
  const form = RULES.select(count);
  return `${count} ${form === "one" ? one : form === "few" ? few : many}`;
}
