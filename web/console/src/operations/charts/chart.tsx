import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { chartTexts } from "../../texts/charts.ts";
import { onThemeChange } from "../../ui/chart-look.ts";
import { formatClock } from "../units.ts";
import { optionsOf, showNewest, type ChartFormats } from "./chart-options.ts";
import { summaryOf, type ChartLine, type Values } from "./chart-summary.ts";
import styles from "./charts.module.css";

interface ChartProps extends ChartFormats {
  title: string;
  unit: string;
  times: readonly number[];
  lines: readonly ChartLine[];
}

const height = 190;

/** A chart of lines over time, with what it shows as a text for screen readers. */
export function Chart({ title, unit, times, lines, format, formatMark }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const shown = useRef({ times, lines, format, formatMark });
  useEffect(() => {
    shown.current = { times, lines, format, formatMark };
    if (!chart.current) return;
    chart.current.setData(dataOf(times, lines));
    showNewest(chart.current);
  }, [times, lines, format, formatMark]);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const draw = () => {
      const { times: xs, lines: ys, ...formats } = shown.current;
      chart.current?.destroy();
      const size = { width: element.clientWidth, height };
      const options = optionsOf(element, ys, formats, size);
      chart.current = new uPlot(options, dataOf(xs, ys), element);
      showNewest(chart.current);
    };
    draw();
    const observer = new ResizeObserver(() => {
      chart.current?.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    const stopThemes = onThemeChange(draw);
    return () => {
      observer.disconnect();
      stopThemes();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);
  return (
    <figure className={styles.chart} data-wide={lines.length > 1}>
      <figcaption>
        <h2>{title}</h2>
        <span>{unit}</span>
      </figcaption>
      <div ref={place} className={styles.plot} aria-hidden />
      <p className="visually-hidden">
        {lines.map(({ label, values }) => summaryText(label, values, times, format)).join(" ")}
      </p>
    </figure>
  );
}

function dataOf(times: readonly number[], lines: readonly ChartLine[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

function summaryText(
  label: string,
  values: Values,
  times: readonly number[],
  format: (value: number) => string,
): string {
  const summary = summaryOf(values);
  if (!summary) return `${label}: ${chartTexts.notKnown}.`;
  const { now, highest, highestAt, mean } = summary;
  const at = formatClock(new Date((times[highestAt] ?? 0) * 1_000));
  const nowText = now === null ? chartTexts.notKnown : format(now);
  return chartTexts.summary(label, nowText, format(highest), at, format(mean));
}
