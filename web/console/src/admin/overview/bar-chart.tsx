import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import styles from "./overview.module.css";

interface BarChartProps {
  /** What the chart shows, also for screen readers. */
  title: string;
  /** Dates like 2026-01-31. */
  days: readonly string[];
  values: readonly number[];
  format: (value: number) => string;
}

const height = 180;
const axisSize = 84;
const halfDay = 43_200;

/** A bar for each day. It follows the width of the page and the colour scheme. */
export function BarChart({ title, days, values, format }: BarChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const times = days.map((day) => Date.parse(day) / 1000);
    const draw = () => new uPlot(optionsOf(element, format), [times, [...values]], element);
    let plot = draw();
    const redraw = () => {
      plot.destroy();
      plot = draw();
    };
    const sizes = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height });
    });
    sizes.observe(element);
    // A canvas has its colours from when it was drawn.
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    return () => {
      sizes.disconnect();
      themes.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.destroy();
    };
  }, [days, values, format]);
  return (
    <figure className={styles.chart}>
      <figcaption>{title}</figcaption>
      <div ref={frame} className={styles.plot} role="img" aria-label={title} />
    </figure>
  );
}

/** Returns the colour of a design token as it is shown now: a canvas does not know light-dark(). */
function colourOf(element: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const dayNames = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

function optionsOf(element: HTMLElement, format: (value: number) => string): uPlot.Options {
  const axis = {
    stroke: colourOf(element, "--text-muted"),
    grid: { stroke: colourOf(element, "--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: {
      // Half a day more on both sides, for the halves of the outer bars.
      x: { time: true, range: (_, min, max) => [min - halfDay, max + halfDay] },
      y: { range: (_, _min, max) => [0, Math.max(max * 1.1, 1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_, splits) => splits.map((time) => dayNames.format(time * 1000)),
      },
      {
        ...axis,
        size: axisSize,
        // Half an order is no mark of the axis.
        incrs: Array.from({ length: 10 }, (_, power) => 10 ** power).flatMap((unit) => [
          unit,
          2 * unit,
          5 * unit,
        ]),
        values: (_, splits) => splits.map(format),
      },
    ],
    series: [
      {},
      {
        fill: colourOf(element, "--accent"),
        width: 0,
        paths: uPlot.paths.bars?.({ size: [0.6, 28], radius: 0.15 }),
        points: { show: false },
      },
    ],
  };
}
