// The plural forms of English.

/** 1 job, 2 jobs. */
export function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
