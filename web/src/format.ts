// Numbers and times as a person reads them.

import { language, strings } from "./strings";

const FORMATS = [0, 1, 2].map((digits) => new Intl.NumberFormat(language, {
  minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false,
}));

const RELATIVE = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "short" });

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

/** A size in the decimal units of disks and networks: "98 MB". */
export function bytes(value: number): string {
  if (value >= 1e9) return `${fixed(value / 1e9, 2)} ${strings.units.gb}`;
  return `${fixed(value / 1e6, value >= 1e7 ? 0 : 1)} ${strings.units.mb}`;
}

/** A time span to the second or minute: "40 s", "3 min". */
export function span(value: number): string {
  return value < 90 ? `${Math.ceil(value)} ${strings.units.s}` : `${Math.round(value / 60)} ${strings.units.min}`;
}

export function ago(elapsedS: number): string {
  if (elapsedS < 1.5) return strings.ago.now;
  if (elapsedS < 60) return strings.ago.seconds(Math.floor(elapsedS));
  if (elapsedS < 3600) return strings.ago.minutes(Math.floor(elapsedS / 60));
  return strings.ago.hours(Math.floor(elapsedS / 3600));
}

/** How long something took or lasts, as "4 s", "3 min" or "2 h". */
export function duration(lengthS: number): string {
  const length = Math.max(0, lengthS);
  if (length < 10) return `${seconds(length)} ${strings.units.s}`;
  if (length < 120) return `${Math.round(length)} ${strings.units.s}`;
  return length < 7200 ? `${Math.round(length / 60)} ${strings.units.min}` : `${Math.round(length / 3600)} ${strings.units.h}`;
}

/** Degrees, as "−4.2°"; null: not known. */
export function degrees(value: number | null): string {
  return value === null ? strings.none : `${fixed(value, 1)}°`;
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Metres, as "1.2 m". */
export function distance(metres: number): string {
  return `${fixed(metres, 1)} m`;
}

/** A time to come: "in 5 min". */
export function ahead(inS: number): string {
  const [value, unit]: [number, Intl.RelativeTimeFormatUnit] =
    inS < 90 ? [inS, "second"] : inS < 5400 ? [inS / 60, "minute"] : inS < 129_600 ? [inS / 3600, "hour"] : [inS / 86_400, "day"];
  return RELATIVE.format(Math.max(0, Math.round(value)), unit);
}

/** Day and time in a time zone; without one in the browser's. */
export function dateTime(ts: number, timezone?: string): string {
  return new Date(ts * 1000).toLocaleString(language, {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", ...(timezone ? { timeZone: timezone } : {}),
  });
}

export function median(values: readonly number[]): number | null {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
