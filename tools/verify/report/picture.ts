import type { HistoryLine } from "../history.ts";
import {
  colours,
  faint,
  footHeight,
  gap,
  ink,
  laneHeight,
  latencyHeight,
  left,
  rateHeight,
  right,
  top,
  width,
} from "./chart.ts";
import { columnsOf, columnWidthMs } from "./columns.ts";
import type { Figures } from "./figures.ts";
import { faultPanel, latencyPanel, ratePanel, outageShades, timeAxis } from "./panels.ts";
import { statusOf, type Verdict } from "./verdict.ts";

/** Draws requests, latencies and faults over time. Returns a complete SVG file. */
export function pictureOf(
  history: readonly HistoryLine[],
  figures: Figures,
  verdict: Verdict,
): string {
  const fromMs = openedMs(history);
  const since = <Line extends { startMs: number; endMs: number }>(line: Line): Line => ({
    ...line,
    startMs: line.startMs - fromMs,
    endMs: line.endMs - fromMs,
  });
  const requests = history
    .filter((line) => line.line === "request")
    .filter(({ startMs }) => startMs >= fromMs)
    .map(since);
  const faults = history.filter((line) => line.line === "fault").map(since);
  const endMs = requests.reduce((last, request) => Math.max(last, request.endMs), 1_000);
  const columnMs = columnWidthMs(endMs);
  const columns = columnsOf(requests, endMs, columnMs);
  const spanMs = columns.length * columnMs;
  const x = (ms: number) => left + (Math.min(ms, spanMs) / spanMs) * (width - left - right);
  const lanes = [...new Set(faults.map(({ kind }) => kind))].sort();
  const latencyTop = top + rateHeight + gap;
  const lanesTop = latencyTop + latencyHeight + gap;
  const height = lanesTop + lanes.length * laneHeight + footHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="${ink}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...title(figures, verdict),
    ...outageShades(faults, x, lanesTop + lanes.length * laneHeight),
    ...ratePanel(columns, columnMs, x),
    ...latencyPanel(columns, columnMs, x, latencyTop),
    ...faultPanel(faults, lanes, x, lanesTop),
    ...timeAxis(spanMs, x, lanesTop + lanes.length * laneHeight + 8),
    "</svg>",
  ].join("\n");
}

/** Returns the beginning of the load, after the preparation of the data. */
function openedMs(history: readonly HistoryLine[]): number {
  const opened = history.find((line) => line.line === "phase" && line.phase === "opened");
  return opened?.line === "phase" ? opened.atMs : 0;
}

function title(figures: Figures, verdict: Verdict): string[] {
  const { run, operations, faults, ordersAcknowledged, quiescentAfterMs } = figures;
  const isFine = statusOf(verdict) === 0;
  const requests = operations.reduce((sum, one) => sum + one.requests, 0);
  const injected = faults.reduce((sum, { times }) => sum + times, 0);
  const mutant = run?.mutant ? ` · mutant ${run.mutant}` : "";
  const violated = [...new Set(verdict.violations.map(({ invariant }) => invariant))].sort();
  const result = isFine
    ? "every invariant holds"
    : violated.length > 0
      ? `violated: invariant ${violated.join(", ")}`
      : "failed";
  const quiescence =
    quiescentAfterMs === undefined
      ? ""
      : ` · quiescent after ${(quiescentAfterMs / 1_000).toFixed(1)} s`;
  const facts = `${ordersAcknowledged.toLocaleString("en")} orders acknowledged · ${requests.toLocaleString("en")} requests · ${injected} faults of ${faults.length} kinds${quiescence}`;
  return [
    `<text x="${left}" y="36" font-size="20" font-weight="600">Shop under faults, seed ${run?.seed ?? "?"}${mutant}</text>`,
    `<text x="${left}" y="60" fill="${faint}" font-size="13">${facts}</text>`,
    `<g transform="translate(${width - right},22)"><text text-anchor="end" y="14" font-size="15" font-weight="600" fill="${isFine ? colours.ok : colours.unknown}">${isFine ? "✓" : "✗"} ${result}</text></g>`,
  ];
}
