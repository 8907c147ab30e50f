// The charts of hours and days, by uPlot. A file of its own, which the page loads when somebody looks at them.

import uPlot from "uplot";

export interface Series { label: string; values: readonly (number | null)[]; colour: string; unit: string; bars?: boolean; fromZero?: boolean }
export interface ChartData { times: readonly number[]; series: readonly Series[]; width: number; height: number; ink: string; grid: string; language: string; none: string }
export interface Chart { set: (data: ChartData) => void; destroy: () => void }

/** Draw into `element`; the returned chart takes new figures of the same series. */
export function draw(element: HTMLElement, data: ChartData): Chart {
  const { series, width, height, ink, grid, language, none } = data;
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "11px sans-serif" };
  const [first, second] = series;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const time = (ts: number, span: number): string => new Date(ts * 1000).toLocaleString(language, span > 172_800
    ? { weekday: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const plot = new uPlot({
    width, height, cursor: { points: { size: 7 } }, legend: { live: true },
    scales: Object.fromEntries([["x", { time: true }], ...series.map((each) => [each.unit, { range: ranged(each) }])]),
    axes: [
      { ...axis, space: 60, values: (_: uPlot, ticks: number[]) => ticks.map((tick) => time(tick, (ticks[ticks.length - 1] ?? 0) - (ticks[0] ?? 0))) },
      { ...axis, scale: first!.unit, size: 44, values: (_: uPlot, ticks: number[]) => ticks.map((tick) => number.format(tick)) },
      ...(second && second.unit !== first!.unit
        ? [{ ...axis, scale: second.unit, side: 1 as const, size: 44, grid: { show: false }, values: (_: uPlot, ticks: number[]) => ticks.map((tick) => number.format(tick)) }]
        : []),
    ],
    series: [
      { label: "", value: (_: uPlot, ts: number | null) => (ts === null ? none : new Date(ts * 1000).toLocaleString(language, { weekday: "short", hour: "2-digit", minute: "2-digit" })) },
      ...series.map((each) => ({
        label: each.label, scale: each.unit, stroke: each.colour, width: 1.5, spanGaps: false, points: { show: false },
        fill: each.bars ? each.colour : `${each.colour}18`, ...(each.bars ? { paths: uPlot.paths.bars!({ size: [0.8, 30] }) } : {}),
        value: (_: uPlot, value: number | null) => (value === null ? none : `${number.format(value)} ${each.unit}`),
      })),
    ],
  }, aligned(data), element);
  return {
    set: (changed) => {
      plot.setSize({ width: changed.width, height: changed.height });
      plot.setData(aligned(changed));
    },
    destroy: () => plot.destroy(),
  };
}

function ranged(series: Series): (plot: uPlot, least: number | null, most: number | null) => [number, number] {
  return (_plot, least, most) => [series.fromZero === false ? (least ?? 0) : 0, Math.max(most ?? 0, 1) * 1.1];
}

function aligned({ times, series }: ChartData): uPlot.AlignedData {
  return [[...times], ...series.map((each) => [...each.values])] as uPlot.AlignedData;
}
