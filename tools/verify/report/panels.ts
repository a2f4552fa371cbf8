import { outageKinds, type FaultKind } from "../faults/kinds.ts";
import type { FaultLine } from "../history.ts";
import type { Column } from "./columns.ts";
import { percentile } from "./figures.ts";
import {
  colours,
  escaped,
  faint,
  grid,
  gridLine,
  laneHeight,
  latencyHeight,
  left,
  legend,
  niceStep,
  rateHeight,
  right,
  top,
  width,
  type Scale,
} from "./chart.ts";

/** The latency axis is logarithmic, from 1 ms to 10 s. */
const maxLatencyMs = 10_000;

/** Shades the outages of PostgreSQL and NATS behind all panels. */
export function outageShades(faults: readonly FaultLine[], x: Scale, bottom: number): string[] {
  return faults
    .filter(({ kind }) => outageKinds.has(kind))
    .map(
      ({ startMs, endMs }) =>
        `<rect x="${x(startMs).toFixed(1)}" y="${top}" width="${Math.max(2, x(endMs) - x(startMs)).toFixed(1)}" height="${bottom - top}" fill="#c8452f" opacity="0.07"/>`,
    );
}

/** Draws the requests per second as stacked bars by outcome. */
export function ratePanel(columns: readonly Column[], columnMs: number, x: Scale): string[] {
  const perSecond = (count: number) => (count * 1_000) / columnMs;
  const most = Math.max(
    5,
    ...columns.map(({ ok, rejected, unknown }) => perSecond(ok + rejected + unknown)),
  );
  const step = niceStep(most / 4);
  const scale = Math.ceil(most / step) * step;
  const y = (rate: number) => top + rateHeight - (rate / scale) * rateHeight;
  const parts = legend(top - 12, "requests per second", [
    ["ok", colours.ok],
    ["rejected", colours.rejected],
    ["unknown", colours.unknown],
  ]);
  for (let rate = 0; rate <= scale; rate += step) parts.push(...gridLine(y(rate), String(rate)));
  const barWidth = Math.max(1, x(columnMs) - x(0) - 0.6).toFixed(2);
  columns.forEach((column, index) => {
    let below = 0;
    for (const outcome of ["ok", "rejected", "unknown"] as const) {
      const rate = perSecond(column[outcome]);
      if (rate === 0) continue;
      const upper = y(below + rate);
      parts.push(
        `<rect x="${x(index * columnMs).toFixed(2)}" y="${upper.toFixed(1)}" width="${barWidth}" height="${(y(below) - upper).toFixed(1)}" fill="${colours[outcome]}"/>`,
      );
      below += rate;
    }
  });
  return parts;
}

/** Draws the p50 and p99 latencies over time. */
export function latencyPanel(
  columns: readonly Column[],
  columnMs: number,
  x: Scale,
  panelTop: number,
): string[] {
  const decades = Math.log10(maxLatencyMs);
  const y = (ms: number) =>
    panelTop +
    latencyHeight -
    (Math.log10(Math.min(maxLatencyMs, Math.max(1, ms))) / decades) * latencyHeight;
  const parts = legend(panelTop - 12, "latency", [
    ["p50", colours.p50],
    ["p99", colours.p99],
  ]);
  for (const [ms, label] of [
    [1, "1 ms"],
    [10, "10 ms"],
    [100, "100 ms"],
    [1_000, "1 s"],
    [10_000, "10 s"],
  ] as const) {
    parts.push(...gridLine(y(ms), label));
  }
  for (const [share, colour] of [
    [0.99, colours.p99],
    [0.5, colours.p50],
  ] as const) {
    parts.push(
      `<path d="${curve(columns, share, (index) => x((index + 0.5) * columnMs), y)}" fill="none" stroke="${colour}" stroke-width="1.6" stroke-linejoin="round"/>`,
    );
  }
  return parts;
}

/** A line with gaps where no request was answered. */
function curve(
  columns: readonly Column[],
  share: number,
  x: (index: number) => number,
  y: (ms: number) => number,
): string {
  let hasPrevious = false;
  return columns
    .map(({ latenciesMs }, index) => {
      if (latenciesMs.length === 0) {
        hasPrevious = false;
        return "";
      }
      const point = `${hasPrevious ? "L" : "M"}${x(index).toFixed(1)} ${y(percentile(latenciesMs, share)).toFixed(1)}`;
      hasPrevious = true;
      return point;
    })
    .join("");
}

/** Draws the faults as bars, one lane per kind. */
export function faultPanel(
  faults: readonly FaultLine[],
  lanes: readonly FaultKind[],
  x: Scale,
  panelTop: number,
): string[] {
  const parts = [`<text x="${left}" y="${panelTop - 12}" font-weight="600">faults</text>`];
  lanes.forEach((kind, lane) => {
    const y = panelTop + lane * laneHeight;
    parts.push(
      `<text x="${left - 10}" y="${y + 13}" text-anchor="end" font-size="11">${kind}</text>`,
      `<line x1="${left}" x2="${width - right}" y1="${y + laneHeight - 1}" y2="${y + laneHeight - 1}" stroke="${grid}"/>`,
    );
    for (const { startMs, endMs, target, detail } of faults.filter(
      (fault) => fault.kind === kind,
    )) {
      const barWidth = Math.max(4, x(endMs) - x(startMs));
      const about = detail === undefined ? "" : ` ${JSON.stringify(detail)}`;
      parts.push(
        `<rect x="${x(startMs).toFixed(1)}" y="${y + 3}" width="${barWidth.toFixed(1)}" height="${laneHeight - 7}" rx="2" fill="${colours.unknown}" opacity="0.82"><title>${escaped(`${target}, ${endMs - startMs} ms${about}`)}</title></rect>`,
      );
    }
  });
  return parts;
}

/** Draws the labels of the time axis. */
export function timeAxis(endMs: number, x: Scale, y: number): string[] {
  const stepMs = niceStep(endMs / 1_000 / 12) * 1_000;
  const parts: string[] = [];
  for (let ms = 0; ms <= endMs; ms += stepMs) {
    parts.push(
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${y - 6}" y2="${y}" stroke="${faint}"/>`,
      `<text x="${x(ms)}" y="${y + 15}" text-anchor="middle" fill="${faint}">${ms / 1_000} s</text>`,
    );
  }
  return parts;
}
