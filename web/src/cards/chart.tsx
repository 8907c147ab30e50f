// Answer times and ended jobs of the last ten minutes, as SVG.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { median, seconds } from "../format";
import { Card } from "../parts/card";
import { clock, tables } from "../server/state";
import { language, strings } from "../strings";
import type { Activity, Transcript } from "../server/messages";

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
const BASE = TOP + UPPER + GAP + LOWER;
const HEIGHT = BASE + 20;
const LEAST_WIDTH = 240;

export function ChartCard(): VNode {
  const frame = useRef<HTMLDivElement>(null);
  const width = useSignal(LEAST_WIDTH);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry) width.value = Math.max(LEAST_WIDTH, Math.floor(entry.contentRect.width));
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  const now = clock.value;
  const answers = tables.transcripts.value.filter((it) => it.latency_s !== null && now - it.ts < SPAN_S);
  const bars = tables.activity.value.filter((it) => now - it.ts < SPAN_S);
  const values = answers.map((it) => it.latency_s!);
  const middle = inSeconds(median(values));
  const done = bars.reduce((sum, it) => sum + it.good, 0);
  const bad = bars.reduce((sum, it) => sum + it.bad, 0);
  const figures = (
    <>
      <Figure label={words.median} value={middle} />
      <Figure label={words.slowest} value={inSeconds(values.length ? Math.max(...values) : null)} />
      <Figure label={words.done} value={String(done)} />
      <Figure label={words.bad} value={String(bad)} alarming={bad > 0} />
    </>
  );
  const inner = width.value - LEFT - RIGHT;
  const x: Scale = (ts) => LEFT + inner * (1 - (now - ts) / SPAN_S);
  return (
    <Card id="chart" heading={words.heading} aside={figures}>
      <div ref={frame}>
        <svg
          class="chart" role="img" width={width.value} height={HEIGHT} viewBox={`0 0 ${width.value} ${HEIGHT}`}
          aria-label={words.described(answers.length, middle, done, bad)}
        >
          <Answers answers={answers} x={x} right={width.value - RIGHT} />
          <Bars bars={bars} x={x} inner={inner} right={width.value - RIGHT} />
          <Axis inner={inner} />
        </svg>
      </div>
    </Card>
  );
}

function inSeconds(value: number | null): string {
  return value === null ? strings.none : `${seconds(value)} ${strings.units.s}`;
}

function Figure({ label, value, alarming = false }: { label: string; value: string; alarming?: boolean }): VNode {
  return <span class={alarming ? "stat alarming" : "stat"}><b>{value}</b>{label}</span>;
}

type Scale = (value: number) => number;

function Answers({ answers, x, right }: { answers: readonly Transcript[]; x: Scale; right: number }): VNode {
  const top = Math.max(AIM_S * 1.2, ...answers.map((it) => it.latency_s! * 1.1));
  const step = top <= 4 ? 1 : top <= 10 ? 2.5 : Math.ceil(top / 4);
  const y: Scale = (value) => TOP + UPPER * (1 - value / top);
  const lines = Array.from({ length: Math.ceil(top / step) }, (_, index) => index * step);
  const stems = answers.map((it) => `M${x(it.ts).toFixed(1)} ${y(0)}V${y(it.latency_s!).toFixed(1)}`).join("");
  return (
    <>
      {lines.map((value) => (
        <g key={value}>
          <line class="grid" x1={LEFT} x2={right} y1={y(value)} y2={y(value)} />
          <text class="label" x={LEFT - 6} y={y(value) + 3.5} text-anchor="end">{value}</text>
        </g>
      ))}
      <path class="stems" d={stems} />
      <line class="aim" x1={LEFT} x2={right} y1={y(AIM_S)} y2={y(AIM_S)} />
      <text class="label aim-label" x={LEFT + 2} y={y(AIM_S) - 4}>{`${words.aim} ${AIM_S.toLocaleString(language)} ${strings.units.s}`}</text>
      {answers.map((it) => (
        <circle
          key={it.key} class={it.latency_s! > AIM_S ? "dot slow" : "dot"} cx={x(it.ts).toFixed(1)}
          cy={y(it.latency_s!).toFixed(1)} r={it.latency_s! > AIM_S ? 4.5 : 3.5}
        >
          <title>{`${seconds(it.latency_s)} ${strings.units.s} · ${it.text}`}</title>
        </circle>
      ))}
      <text class="caption" x={LEFT} y={TOP - 2}>{answers.length ? `${words.latency}, ${strings.units.s}` : words.quiet}</text>
    </>
  );
}

function Bars({ bars, x, inner, right }: { bars: readonly Activity[]; x: Scale; inner: number; right: number }): VNode {
  const top = Math.max(4, ...bars.map((bar) => bar.good + bar.bad));
  const tall: Scale = (count) => (LOWER * count) / top;
  const wide = Math.max(1.5, (inner * BUCKET_S) / SPAN_S - 1);
  const box = (bar: Activity, from: number, count: number): string => {
    if (!count) return "";
    const left = Math.max(LEFT, x(bar.ts)).toFixed(1);
    const foot = (BASE - tall(from)).toFixed(1);
    return `M${left} ${foot}v${(-tall(count)).toFixed(1)}h${wide.toFixed(1)}V${foot}Z`;
  };
  return (
    <>
      <line class="grid" x1={LEFT} x2={right} y1={BASE} y2={BASE} />
      <text class="label" x={LEFT - 6} y={BASE - LOWER + 7} text-anchor="end">{top}</text>
      <text class="caption" x={LEFT} y={BASE - LOWER - 5}>{`${words.jobs} (${words.jobsHint})`}</text>
      <path class="bars" d={bars.map((bar) => box(bar, 0, bar.good)).join("")} />
      <path class="bars bad" d={bars.map((bar) => box(bar, bar.good, bar.bad)).join("")} />
    </>
  );
}

function Axis({ inner }: { inner: number }): VNode {
  const steps = inner < 420 ? [10, 5, 0] : [10, 8, 6, 4, 2, 0];
  return (
    <>
      {steps.map((minutes) => (
        <text
          key={minutes} class="label" y={HEIGHT - 4} x={LEFT + inner * (1 - (minutes * 60) / SPAN_S)}
          text-anchor={minutes === 10 ? "start" : minutes === 0 ? "end" : "middle"}
        >
          {words.axis(minutes)}
        </text>
      ))}
    </>
  );
}
