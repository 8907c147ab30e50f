// Numbers and times as people read them, in both languages.

import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, ahead, dateTime, distance, median, milliseconds, seconds } from "../src/format";
import { language, strings } from "../src/strings";

/** The number as it is written in the page's language. */
const said = (text: string): string => (language === "pl" ? text.replace(".", ",") : text);

test("a duration has two or three digits, whatever its size", () => {
  assert.equal(milliseconds(0), said("0.0 ms"));
  assert.equal(milliseconds(9.94), said("9.9 ms"));
  assert.equal(milliseconds(10), "10 ms");
  assert.equal(milliseconds(999.4), "999 ms");
  assert.equal(milliseconds(1000), said("1.00 s"));
  assert.equal(milliseconds(65_000), said("65.0 s"));
  assert.equal(milliseconds(1e7), "10000 s");
  assert.deepEqual([seconds(9.994), seconds(10), seconds(100)], [said("9.99"), said("10.0"), "100"]);
});

test("what is not known is no number", () => {
  assert.equal(milliseconds(null), strings.none);
  assert.equal(seconds(null), strings.none);
  assert.equal(median([]), null);
});

test("ages grow from seconds to hours", () => {
  assert.equal(ago(-3), strings.ago.now);
  assert.equal(ago(1.4), strings.ago.now);
  assert.equal(ago(59.9), strings.ago.seconds(59));
  assert.equal(ago(60), strings.ago.minutes(1));
  assert.equal(ago(3600 * 30), strings.ago.hours(30));
});

test("times to come have a unit that fits, and are never past", () => {
  // Shortened units differ between versions of the language data.
  const expected = {
    en: [/^in 0 sec/, /^in 89 sec/, /^in 2 min/, /^in 2 hr/, /^in 2 days/],
    pl: [/^za 0 s/, /^za 89 s/, /^za 2 min/, /^za 2 godz/, /^za 2 dni/],
  }[language];
  for (const [index, inS] of [-5, 89, 90, 5400, 172_800].entries()) assert.match(ahead(inS), expected[index]!);
});

test("metres and dates follow the language", () => {
  assert.equal(distance(1.25 + 1e-9), said("1.3 m"));
  const text = dateTime(1_767_225_600, "Europe/Warsaw");  // the first hour of 2026 in Warsaw
  assert.match(text, language === "pl" ? /czw.*1 sty.*01:00/ : /Thu.*Jan 1.*01:00/);
});

test("the median of an even number lies between the middle two", () => {
  assert.equal(median([5]), 5);
  assert.equal(median([10, 9, 2]), 9);
  assert.equal(median([1, 100, 2, 3]), 2.5);
  const values = [3, 1, 2];
  median(values);
  assert.deepEqual(values, [3, 1, 2], "the values stay in their order");
});
