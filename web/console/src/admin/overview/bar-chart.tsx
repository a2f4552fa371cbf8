import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { axisLook, axisWidth, colourOf, onThemeChange } from "../../ui/chart-look.ts";
import { marksUpTo, namedDays } from "./axis-marks.ts";
import styles from "./overview.module.css";

interface BarChartProps {
  /** What the chart shows, also for screen readers. */
  title: string;
  /** Dates like 2026-01-31. */
  days: readonly string[];
  values: readonly number[];
  format: (value: number) => string;
  /** Formats the marks of the axis, which are round numbers. */
  formatMark: (value: number) => string;
}

const height = 180;
/** The days get their names before the width of the vertical axis is known. */
const widestAxis = 84;
const halfDay = 43_200;

/**
 * A bar for each day, with the value of the bar to which the user points. It follows the width of the
 * page and the colour scheme.
 */
export function BarChart({ title, days, values, format, formatMark }: BarChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<number | null>(null);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const times = days.map((day) => Date.parse(day) / 1000);
    const options = () =>
      optionsOf({ element, times, formatMark, max: Math.max(...values, 0), setPlace });
    const draw = () => new uPlot(options(), [times, [...values]], element);
    let plot = draw();
    const sizes = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height });
    });
    sizes.observe(element);
    const stopThemes = onThemeChange(() => {
      plot.destroy();
      plot = draw();
    });
    return () => {
      sizes.disconnect();
      stopThemes();
      plot.destroy();
    };
  }, [days, values, formatMark]);
  const valueAt = (index: number) => {
    const [day, value] = [days[index], values[index]];
    if (day === undefined || value === undefined) return "";
    return `${dayNames.format(Date.parse(day))}: ${format(value)}`;
  };
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.caption}>
        <span>{title}</span>
        <strong aria-hidden>{place === null ? "" : valueAt(place)}</strong>
      </figcaption>
      <div ref={frame} className={styles.plot} role="img" aria-label={title} />
    </figure>
  );
}

const dayNames = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

interface ChartParts {
  element: HTMLElement;
  /** The beginnings of the days, in seconds. */
  times: readonly number[];
  formatMark: (value: number) => string;
  max: number;
  /** Gets the place of the bar to which the user points; null for none. */
  setPlace: (place: number | null) => void;
}

function optionsOf({ element, times, formatMark, max, setPlace }: ChartParts): uPlot.Options {
  const marks = marksUpTo(max);
  const axis = axisLook(element);
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
    hooks: {
      setCursor: [
        ({ cursor }) => {
          setPlace(cursor.idx ?? null);
        },
      ],
    },
    scales: {
      // Half a day more on both sides, for the halves of the outer bars.
      x: { time: false, range: (_, first, last) => [first - halfDay, last + halfDay] },
      y: { range: [0, marks.at(-1) ?? 1] },
    },
    axes: [
      {
        ...axis,
        size: 30,
        grid: { show: false },
        // uPlot's own marks of days are those of the browser's time zone.
        splits: ({ width }) => namedDays(times, width - widestAxis),
        values: (_, splits) => splits.map((time) => dayNames.format(time * 1000)),
      },
      {
        ...axis,
        size: axisWidth,
        splits: marks,
        values: (_, splits) => splits.map(formatMark),
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
