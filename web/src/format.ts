// Numbers and times as a person reads them.

import { language, strings } from "./strings";

const FORMATS = [0, 1, 2].map((digits) => new Intl.NumberFormat(language, {
  minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false,
}));

/** The number with so many digits after the decimal sign. */
function fixed(value: number, digits: 0 | 1 | 2): string {
  return FORMATS[digits]!.format(value);
}

export function milliseconds(value: number | null): string {
  if (value === null) return strings.none;
  if (value < 10) return `${fixed(value, 1)} ${strings.units.ms}`;
  if (value < 1000) return `${Math.round(value)} ${strings.units.ms}`;
  return `${seconds(value / 1000)} ${strings.units.s}`;
}

export function seconds(value: number | null): string {
  if (value === null) return strings.none;
  return fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

export function ago(elapsedS: number): string {
  if (elapsedS < 1.5) return strings.ago.now;
  if (elapsedS < 60) return strings.ago.seconds(Math.floor(elapsedS));
  if (elapsedS < 3600) return strings.ago.minutes(Math.floor(elapsedS / 60));
  return strings.ago.hours(Math.floor(elapsedS / 3600));
}

export function median(values: readonly number[]): number | null {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
