import type uPlot from "uplot";
import { chartTexts } from "../../texts/charts.ts";
import { axisLook, axisWidth, colourOf } from "../../ui/chart-look.ts";
import type { ChartLine } from "./chart-summary.ts";

/** All charts have one crosshair. */
const syncKey = "operations";

/** Seconds between the times of the axis, which have no seconds: no time stands there twice. */
const timeSteps = [60, 120, 300, 600, 900, 1_800, 3_600];

/** How a chart shows its values as texts. */
export interface ChartFormats {
  format: (value: number) => string;
  /** Formats the marks of the axis. They are exact, also where a value is an estimate. */
  formatMark: (value: number) => string;
}

interface ChartSize {
  width: number;
  height: number;
}

/** Returns the options of a chart in the colours of the present theme. */
export function optionsOf(
  element: HTMLElement,
  lines: readonly ChartLine[],
  { format, formatMark }: ChartFormats,
  size: ChartSize,
): uPlot.Options {
  const axis = axisLook(element);
  return {
    ...size,
    cursor: { sync: { key: syncKey }, points: { size: 8 }, drag: { x: false, y: false } },
    legend: { live: true, markers: { dash: (_, index) => markerOf(lines[index - 1]) } },
    hooks: { setCursor: [showNewest] },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.15, 0.1)] } },
    axes: [
      { ...axis, size: 30, space: 80, incrs: timeSteps, values: "{h}:{mm} {AA}" },
      { ...axis, size: axisWidth, space: 34, values: (_, splits) => splits.map(formatMark) },
    ],
    series: [
      { label: chartTexts.time, value: "{h}:{mm}:{ss} {AA}" },
      ...lines.map(({ label, token, dash }, index): uPlot.Series => {
        const stroke = colourOf(element, token);
        return {
          label,
          stroke,
          width: 2,
          ...(dash && { dash: [...dash] }),
          ...(index === 0 && lines.length === 1 && { fill: fadedOf(stroke) }),
          value: (_, value: number | null) => (value === null ? "–" : format(value)),
          points: { show: false },
        };
      }),
    ],
  };
}

/** Shows the newest values in the legend while the crosshair is elsewhere. */
export function showNewest(chart: uPlot): void {
  if (typeof chart.cursor.idx === "number") return;
  chart.setLegend({ idx: chart.data[0].length - 1 }, false);
}

function markerOf(line: ChartLine | undefined): string {
  if (line?.dash === undefined) return "solid";
  return (line.dash[0] ?? 0) < 4 ? "dotted" : "dashed";
}

/** Makes the area under a line a tint of its colour. */
function fadedOf(colour: string): string {
  return `color-mix(in srgb, ${colour} 14%, transparent)`;
}
