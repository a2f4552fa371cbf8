import { serviceOf, type CollectedSpan } from "../support/span-collector.ts";

const width = 960;
const labelWidth = 400;
const rowHeight = 24;
const barHeight = 14;
const headHeight = 56;
const indent = 14;
/** Space for the duration after the longest bar. */
const durationWidth = 64;
/** What fits into the column of labels. */
const labelLength = 52;
const timelineWidth = width - labelWidth - durationWidth;

interface Row {
  span: CollectedSpan;
  depth: number;
}

/**
 * Draws the spans below `root` as bars over time, one row each, in the order of their start within
 * their parent. The colors of the services follow the light or dark theme of the viewer.
 */
export function tracePicture(spans: readonly CollectedSpan[], root: string): string {
  const rows = rowsBelow(spans, root, 0);
  const startMs = Math.min(...rows.map(({ span }) => msOf(span.startTimeUnixNano)));
  const endMs = Math.max(...rows.map(({ span }) => msOf(span.endTimeUnixNano)));
  const xOf = (ms: number) => labelWidth + ((ms - startMs) / (endMs - startMs)) * timelineWidth;
  const services = [...new Set(rows.map(({ span }) => serviceOf(span)))];
  const height = headHeight + rows.length * rowHeight + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    style,
    `<rect class="ground" width="${width}" height="${height}" rx="6"/>`,
    ...services.map(legend),
    ...ticks(endMs - startMs).flatMap((ms) => {
      const x = round(xOf(startMs + ms));
      return [
        `<line class="tick" x1="${x}" x2="${x}" y1="${headHeight - 6}" y2="${height - 8}"/>`,
        `<text class="faint" x="${x}" y="${headHeight - 12}" text-anchor="middle">${ms} ms</text>`,
      ];
    }),
    ...rows.map((row, index) => bar(row, headHeight + index * rowHeight, xOf)),
    "</svg>\n",
  ].join("\n");
}

/** Light and dark colors; each service has a class. */
const style = `<style>
.ground { fill: #ffffff; } text { fill: #1f2328; } .faint { fill: #59636e; } .tick { stroke: #d1d9e0; }
.api { fill: #0969da; } .orders { fill: #bf8700; } .products { fill: #1a7f37; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; } text { fill: #f0f6fc; } .faint { fill: #9198a1; } .tick { stroke: #3d444d; }
.api { fill: #4493f8; } .orders { fill: #d29922; } .products { fill: #3fb950; }
}
</style>`;

function rowsBelow(spans: readonly CollectedSpan[], parent: string, depth: number): Row[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .toSorted((a, b) => msOf(a.startTimeUnixNano) - msOf(b.startTimeUnixNano))
    .flatMap((span) => [{ span, depth }, ...rowsBelow(spans, span.spanId, depth + 1)]);
}

function legend(service: string, index: number): string {
  const x = 16 + index * 90;
  return `<rect class="${service}" x="${x}" y="16" width="12" height="12" rx="2"/><text x="${x + 18}" y="26">${service}</text>`;
}

function bar({ span, depth }: Row, y: number, xOf: (ms: number) => number): string {
  const [start, end] = [msOf(span.startTimeUnixNano), msOf(span.endTimeUnixNano)];
  const x = round(xOf(start));
  const barWidth = Math.max(2, round(xOf(end) - xOf(start)));
  const duration = `${(end - start).toFixed(1)} ms`;
  const room = labelLength - 2 * depth;
  const label = span.name.length > room ? `${span.name.slice(0, room)}…` : span.name;
  return [
    `<g><title>${escaped(span.name)}, ${serviceOf(span)}, ${duration}</title>`,
    `<text x="${16 + depth * indent}" y="${y + 12}">${escaped(label)}</text>`,
    `<rect class="${serviceOf(span)}" x="${x}" y="${y + 1}" width="${barWidth}" height="${barHeight}" rx="2"/>`,
    `<text class="faint" x="${round(x + barWidth + 6)}" y="${y + 12}">${duration}</text></g>`,
  ].join("");
}

/** Returns about five round times within a duration. */
function ticks(durationMs: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((ms) => durationMs / ms <= 6) ?? 1_000;
  return Array.from({ length: Math.floor(durationMs / step) + 1 }, (_, index) => index * step);
}

/** Loses less than a microsecond of today's times. */
const msOf = (nanoseconds: string) => Number(BigInt(nanoseconds) / 1_000n) / 1_000;

const round = (value: number) => Math.round(value * 10) / 10;

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
