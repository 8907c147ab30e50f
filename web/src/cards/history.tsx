// Jobs, waiting jobs, answer times, circuit breakers, cached answers and the computer's load of the last hour, day and
// week.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { loadCharts } from "../charts/load";
import type { Chart, ChartData, Series } from "../charts/uplot";
import { Card, Empty } from "../parts/card";
import { RemoteView } from "../parts/remote-view";
import { useRemote } from "../server/remote";
import { clock } from "../server/state";
import { language, strings } from "../strings";

const words = strings.history;
const SPANS = [1, 24, 168] as const;
const HEIGHT = 150;

interface Point { ts: number; done: number; bad: number; waiting: number; latency_s: number | null; cpu_pct: number; memory_pct: number; breakers_open: number | null; trips: number | null; cache_hits: number | null; cache_misses: number | null; gpu_pct: number | null; gpu_memory_pct: number | null }
interface History { step_s: number; points: Point[] }

export function HistoryCard(): VNode {
  const hours = useSignal<(typeof SPANS)[number]>(1);
  const history = useRemote<History>(`/history?hours=${hours.value}`);
  // A row comes with each minute.
  const minute = Math.floor(clock.value / 60);
  useEffect(() => void history.reload(), [minute]);
  return (
    <Card id="history" heading={words.heading} aside={
      <span class="switch" role="group" aria-label={words.span}>
        {SPANS.map((span) => <button type="button" key={span} aria-pressed={hours.value === span} onClick={() => void (hours.value = span)}>{words.spans[span]}</button>)}
      </span>
    }>
      <RemoteView remote={history}>
        {({ points, step_s: step }) => points.length < 2 ? <Empty text={words.none} /> : <Charts points={filled(points, step)} />}
      </RemoteView>
    </Card>
  );
}

/** With a gap where the panel did not run. */
function filled(points: readonly Point[], step: number): (Point | { ts: number })[] {
  const found: (Point | { ts: number })[] = [];
  for (const point of points) {
    const last = found[found.length - 1];
    if (last && point.ts - last.ts > 1.5 * step) found.push({ ts: last.ts + step });
    found.push(point);
  }
  return found;
}

function Charts({ points }: { points: readonly (Point | { ts: number })[] }): VNode {
  const values = (name: keyof Point): (number | null)[] => points.map((point) => ("done" in point ? point[name] : null));
  const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const perMinute = words.perMinute;
  const charts: { name: string; series: Series[] }[] = [
    { name: words.jobs, series: [
      { label: words.done, values: values("done"), colour: colour("accent"), unit: perMinute },
      { label: words.bad, values: values("bad"), colour: colour("bad"), unit: perMinute },
    ] },
    { name: words.waits, series: [
      { label: words.latency, values: values("latency_s"), colour: colour("busy"), unit: strings.units.s },
      { label: words.waiting, values: values("waiting"), colour: colour("warn"), unit: words.jobsUnit },
    ] },
    { name: words.machine, series: [
      { label: words.cpu, values: values("cpu_pct"), colour: colour("accent"), unit: "%" },
      { label: words.memory, values: values("memory_pct"), colour: colour("busy"), unit: "%" },
    ] },
    { name: words.breakers, series: [
      { label: words.trips, values: values("trips"), colour: colour("bad"), unit: perMinute },
      { label: words.open, values: values("breakers_open"), colour: colour("warn"), unit: words.enginesUnit },
    ] },
    { name: words.cache, series: [
      { label: words.hits, values: values("cache_hits"), colour: colour("accent"), unit: perMinute },
      { label: words.misses, values: values("cache_misses"), colour: colour("soft"), unit: perMinute },
    ] },
  ];
  const busy = values("gpu_pct"), hasGpu = busy.some((value) => value !== null);
  if (hasGpu) charts.push({ name: words.gpu, series: [
    { label: words.busy, values: busy, colour: colour("accent"), unit: "%" },
    { label: words.memory, values: values("gpu_memory_pct"), colour: colour("busy"), unit: "%" },
  ] });
  const times = points.map((point) => point.ts);
  return (
    <div class="histories">
      {charts.map(({ name, series }) => <Plot key={name} name={name} times={times} series={series} />)}
      {!hasGpu && <figure class="plot"><figcaption>{words.gpu}</figcaption><Empty text={words.noGpu} /></figure>}
    </div>
  );
}

function Plot({ name, times, series }: { name: string; times: readonly number[]; series: readonly Series[] }): VNode {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const latest = useRef<() => ChartData>(() => null as never);
  latest.current = () => {
    const style = getComputedStyle(document.documentElement);
    return {
      times, series, width: Math.max(220, frame.current!.clientWidth), height: HEIGHT, language, none: strings.none,
      ink: style.getPropertyValue("--soft").trim(), grid: style.getPropertyValue("--line").trim(),
    };
  };
  useEffect(() => {
    let wanted = true;
    // Who does not scroll down to the charts does not load them.
    const sight = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      sight.disconnect();
      void loadCharts().then(({ draw }) => {
        if (wanted && frame.current) chart.current = draw(frame.current, latest.current());
      });
    }, { rootMargin: "150px" });
    sight.observe(frame.current!);
    const observer = new ResizeObserver(() => frame.current && chart.current?.set(latest.current()));
    observer.observe(frame.current!);
    return () => {
      wanted = false;
      sight.disconnect();
      observer.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    if (frame.current) chart.current?.set(latest.current());
  }, [times, series]);
  return <figure class="plot"><figcaption>{name}</figcaption><div ref={frame} role="img" aria-label={described(name, series)} /></figure>;
}

/** The last figures, for those who do not see the chart. */
function described(name: string, series: readonly Series[]): string {
  return `${name}: ${series.map((each) => `${each.label} ${each.values[each.values.length - 1] ?? strings.none} ${each.unit}`).join(", ")}`;
}
