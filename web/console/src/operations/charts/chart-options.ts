import type uPlot from "uplot";
import { chartTexts } from "../../texts/charts.ts";
import type { Line } from "./chart-summary.ts";

/** All charts have one crosshair. */
const syncKey = "operations";

/** Seconds between the times of the axis, which have no seconds: no time stands there twice. */
const timeSteps = [60, 120, 300, 600, 900, 1_800, 3_600];

/** Returns the colour of a design token as a canvas needs it: light-dark() is resolved. */
function colourOf(element: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

interface ChartSize {
  width: number;
  height: number;
}

/** Returns the options of a chart in the colours of the present theme. */
export function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  format: (value: number) => string,
  size: ChartSize,
): uPlot.Options {
  const text = colourOf(element, "--text-muted");
  const grid = { stroke: colourOf(element, "--line"), width: 1 };
  const axis = { stroke: text, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    ...size,
    cursor: { sync: { key: syncKey }, points: { size: 8 }, drag: { x: false, y: false } },
    legend: { live: true, markers: { dash: (_, index) => markerOf(lines[index - 1]) } },
    hooks: { setCursor: [showNewest] },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.15, 0.1)] } },
    axes: [
      { ...axis, size: 30, space: 80, incrs: timeSteps, values: "{h}:{mm} {AA}" },
      { ...axis, size: 64, space: 34, values: (_, splits) => splits.map(format) },
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

function markerOf(line: Line | undefined): string {
  if (line?.dash === undefined) return "solid";
  return (line.dash[0] ?? 0) < 4 ? "dotted" : "dashed";
}

/** Makes the area under a line a tint of its colour. */
function fadedOf(colour: string): string {
  return `color-mix(in srgb, ${colour} 14%, transparent)`;
}
