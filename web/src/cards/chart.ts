// Answer times and ended jobs of the last ten minutes, as SVG.

import { card, h, svg } from "../dom";
import { median, seconds } from "../format";
import type { State } from "../state";
import { strings } from "../strings";

const words = strings.chart;
const SPAN_S = 600;
const BUCKET_S = 5;
/** Target of the answer time, in seconds after the end of speech. */
const AIM_S = 2.5;
const LEFT = 30;
const RIGHT = 8;
const TOP = 12;
const UPPER = 104;
const GAP = 22;
const LOWER = 44;
const HEIGHT = TOP + UPPER + GAP + LOWER + 20;

export function chartCard() {
  const { root, aside, body } = card("chart", words.heading);
  const picture = svg("svg", { class: "chart", role: "img", height: HEIGHT });
  body.append(picture);
  let latest: State | null = null;
  const show = (state: State): void => {
    latest = state;
    const width = Math.max(240, Math.floor(body.clientWidth));
    draw(picture, aside, state, width);
  };
  new ResizeObserver(() => latest && show(latest)).observe(body);
  return { root, show };
}

function draw(picture: SVGSVGElement, aside: HTMLElement, state: State, width: number): void {
  const now = state.now();
  const inner = width - LEFT - RIGHT;
  const x = (ts: number): number => LEFT + inner * (1 - (now - ts) / SPAN_S);
  const answers = state.tables.transcripts.filter((it) => it.latency_s !== null && now - it.ts < SPAN_S);
  const bars = state.tables.activity.filter((it) => now - it.ts < SPAN_S);
  const values = answers.map((it) => it.latency_s!);
  const middle = median(values);
  const done = bars.reduce((sum, it) => sum + it.good, 0);
  const bad = bars.reduce((sum, it) => sum + it.bad, 0);
  picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  picture.setAttribute("width", String(width));
  picture.setAttribute("aria-label", words.described(answers.length, middle === null ? strings.none : `${seconds(middle)} s`, done, bad));
  aside.replaceChildren(
    figure(words.median, middle === null ? strings.none : `${seconds(middle)} s`),
    figure(words.slowest, values.length ? `${seconds(Math.max(...values))} s` : strings.none),
    figure(words.done, String(done)),
    figure(words.bad, String(bad), bad > 0));
  picture.replaceChildren(...upper(answers, x, width), ...lower(bars, x, inner, width), ...axis(inner));
}

function figure(label: string, value: string, alarming = false): HTMLElement {
  return h("span", { class: alarming ? "stat alarming" : "stat" }, h("b", {}, value), label);
}

type Scale = (value: number) => number;
interface Answer { ts: number; latency_s: number | null; text: string }

function upper(answers: readonly Answer[], x: Scale, width: number): SVGElement[] {
  const top = Math.max(AIM_S * 1.2, ...answers.map((it) => it.latency_s! * 1.1));
  const step = top <= 4 ? 1 : top <= 10 ? 2.5 : Math.ceil(top / 4);
  const y: Scale = (value) => TOP + UPPER * (1 - value / top);
  const lines: SVGElement[] = [];
  for (let value = 0; value < top; value += step) {
    lines.push(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { class: "label", x: LEFT - 6, y: y(value) + 3.5, "text-anchor": "end" }, String(value)));
  }
  const stems = answers.map((it) => `M${x(it.ts).toFixed(1)} ${y(0)}V${y(it.latency_s!).toFixed(1)}`).join("");
  const dots = answers.map((it) => svg("circle", {
    class: it.latency_s! > AIM_S ? "dot slow" : "dot", cx: x(it.ts).toFixed(1), cy: y(it.latency_s!).toFixed(1),
    r: it.latency_s! > AIM_S ? 4.5 : 3.5,
  }, svg("title", {}, `${seconds(it.latency_s)} s · ${it.text}`)));
  return [
    ...lines,
    svg("path", { class: "stems", d: stems }),
    svg("line", { class: "aim", x1: LEFT, x2: width - RIGHT, y1: y(AIM_S), y2: y(AIM_S) }),
    svg("text", { class: "label aim-label", x: LEFT + 2, y: y(AIM_S) - 4 }, `${words.aim} ${AIM_S} s`),
    ...dots,
    svg("text", { class: "caption", x: LEFT, y: TOP - 2 }, answers.length ? `${words.latency}, ${strings.units.s}` : words.quiet),
  ];
}

interface Bar { ts: number; good: number; bad: number }

function lower(bars: readonly Bar[], x: Scale, inner: number, width: number): SVGElement[] {
  const base = TOP + UPPER + GAP + LOWER;
  const top = Math.max(4, ...bars.map((bar) => bar.good + bar.bad));
  const tall: Scale = (count) => (LOWER * count) / top;
  const wide = Math.max(1.5, (inner * BUCKET_S) / SPAN_S - 1);
  const box = (bar: Bar, from: number, count: number): string => {
    const left = Math.max(LEFT, x(bar.ts));
    return count ? `M${left.toFixed(1)} ${(base - tall(from)).toFixed(1)}v${(-tall(count)).toFixed(1)}h${wide.toFixed(1)}V${(base - tall(from)).toFixed(1)}Z` : "";
  };
  return [
    svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: base, y2: base }),
    svg("text", { class: "label", x: LEFT - 6, y: base - LOWER + 7, "text-anchor": "end" }, String(top)),
    svg("text", { class: "caption", x: LEFT, y: base - LOWER - 5 }, `${words.jobs} (${words.jobsHint})`),
    svg("path", { class: "bars", d: bars.map((bar) => box(bar, 0, bar.good)).join("") }),
    svg("path", { class: "bars bad", d: bars.map((bar) => box(bar, bar.good, bar.bad)).join("") }),
  ];
}

function axis(inner: number): SVGElement[] {
  const steps = inner < 420 ? [10, 5, 0] : [10, 8, 6, 4, 2, 0];
  return steps.map((minutes) => svg("text", {
    class: "label", y: HEIGHT - 4, x: LEFT + inner * (1 - (minutes * 60) / SPAN_S),
    "text-anchor": minutes === 10 ? "start" : minutes === 0 ? "end" : "middle",
  }, words.axis(minutes)));
}
