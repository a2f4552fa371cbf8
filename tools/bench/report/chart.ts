import { isLowerBetter, verdictOf, type Result } from "./results.ts";

const barHeight = 14;
const rowHeight = 24;
const headingHeight = 34;
const [left, width, right] = [390, 420, 150];
const [top, bottom] = [98, 30];
/** Between axis labels, in pixels. */
const minTickGap = 60;

/** Colours for light and dark backgrounds. */
const style = `
    text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
    .title { font-size: 18px; font-weight: 600; }
    .heading { font-size: 14px; font-weight: 600; }
    .faint { fill: var(--faint); }
    .back { fill: var(--back); }
    .halo { stroke: var(--back); stroke-width: 4px; paint-order: stroke; }
    .grid { stroke: var(--grid); }
    .baseline { stroke: var(--ink); stroke-dasharray: 3 3; }
    .target { fill: var(--ink); }
    .spread { stroke: var(--ink); stroke-width: 1.5px; }
    .round { fill: var(--ink); fill-opacity: 0.35; }
    .reached { fill: var(--reached); }
    .missed { fill: var(--missed); }
    .unclear { fill: var(--unclear); }
    .none { fill: var(--none); }
    svg { --back: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #e4e8ec;
          --reached: #4aa37c; --missed: #d98a4b; --unclear: #c9b458; --none: #9fb0c0; }
    @media (prefers-color-scheme: dark) {
      svg { --back: #0d1117; --ink: #e6edf3; --faint: #9198a1; --grid: #252c35;
            --reached: #2f7d5b; --missed: #a85f22; --unclear: #857526; --none: #4d6073; }
    }`;

const legend = [
  ["reached", "target reached", 20],
  ["missed", "target missed", 150],
  ["unclear", "interval contains the target", 275],
  ["none", "no target", 490],
] as const;

/**
 * Draws all ratios as bars, with the line of the baseline (1), and for each its target, interval and
 * rounds. Returns a complete SVG file, for light and dark backgrounds.
 */
export function chartOf(results: readonly Result[]): string {
  const ratios = results.filter(({ unit }) => unit === "ratio");
  const largest = Math.max(1, ...ratios.flatMap(largestOf)) * 1.02;
  const x = (ratio: number) => Math.round((left + (ratio / largest) * width) * 10) / 10;
  let y = top;
  const bars: string[] = [];
  // The line of the baseline crosses the bars, but no text.
  const texts: string[] = [];
  for (const [group, members] of Map.groupBy(ratios, ({ group }) => group)) {
    const isLower = members.some(isLowerBetter);
    const heading = `${group}${isLower ? " (lower is better)" : ""}`;
    texts.push(text({ x: 20, y: y + 20, class: "heading" }, heading));
    y += headingHeight;
    for (const result of members) {
      bars.push(barOf(result, x, y));
      texts.push(...labelsOf(result, x, y));
      y += rowHeight;
    }
  }
  const height = y + bottom;
  const ticks = ticksUpTo(largest).flatMap((ratio) => [
    `<line class="grid" x1="${x(ratio)}" x2="${x(ratio)}" y1="${top}" y2="${y + 6}"/>`,
    text({ x: x(ratio), y: y + 22, class: "faint", anchor: "middle" }, String(ratio)),
  ]);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + right} ${height}" width="${left + width + right}" height="${height}" role="img" aria-label="Ratios of the benchmark">
  <style>${style}
  </style>
  <rect class="back" width="100%" height="100%"/>
  ${text({ x: 20, y: 32, class: "title" }, "Ratios of the benchmark")}
  ${text({ x: 20, y: 54, class: "faint" }, "Bar: median of the rounds. Line: 95 % interval. Dots: rounds. Dashed: 1, the baseline. Mark: target.")}
  ${legend.map(([name, label, x]) => legendOf(name, label, x)).join("\n  ")}
  ${ticks.join("\n  ")}
  ${bars.join("\n  ")}
  <line class="baseline" x1="${x(1)}" x2="${x(1)}" y1="${top}" y2="${y + 6}"/>
  ${texts.join("\n  ")}
</svg>
`;
}

function barOf(result: Result, x: (ratio: number) => number, y: number): string {
  const { value, interval, target, rounds } = result;
  const middle = y + barHeight / 2;
  const wanted = target === undefined ? undefined : Object.values(target)[0];
  return [
    `<rect class="${classOf(result)}" x="${left}" y="${y}" width="${x(value) - left}" height="${barHeight}" rx="2"/>`,
    ...rounds.map((round) => `<circle class="round" cx="${x(round.value)}" cy="${middle}" r="2"/>`),
    ...(interval === undefined
      ? []
      : [
          `<path class="spread" d="M${x(interval.low)} ${middle - 4}v8M${x(interval.low)} ${middle}H${x(interval.high)}M${x(interval.high)} ${middle - 4}v8"/>`,
        ]),
    ...(wanted === undefined
      ? []
      : [
          `<rect class="target" x="${x(wanted) - 1.5}" y="${y - 3}" width="3" height="${barHeight + 6}"/>`,
        ]),
  ].join("\n  ");
}

/** Returns the texts left and right of a bar. */
function labelsOf(result: Result, x: (ratio: number) => number, y: number): string[] {
  const { name, inFlight, value } = result;
  const label = inFlight === undefined ? name : `${name}, ${inFlight} in flight`;
  return [
    text({ x: left - 12, y: y + 12, anchor: "end" }, label),
    text({ x: x(largestOf(result)) + 10, y: y + 12, class: "halo" }, value.toFixed(2)),
  ];
}

function classOf(result: Result): string {
  return verdictOf(result)?.toLowerCase() ?? "none";
}

/** Returns the largest number that is drawn in the row of a result. */
function largestOf({ value, interval, target, rounds }: Result): number {
  return Math.max(
    value,
    interval?.high ?? 0,
    ...(target === undefined ? [] : Object.values(target)),
    ...rounds.map((round) => round.value),
  );
}

/** Returns round numbers from 0 to the largest ratio, far enough apart for their labels. */
function ticksUpTo(largest: number): number[] {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
  const step = steps.find((one) => (one / largest) * width >= minTickGap) ?? 100;
  return Array.from({ length: Math.floor(largest / step) + 1 }, (_, index) =>
    Number((index * step).toFixed(1)),
  );
}

function legendOf(name: string, label: string, x: number): string {
  return `<rect class="${name}" x="${x}" y="70" width="12" height="12" rx="2"/>${text({ x: x + 18, y: 81, class: "faint" }, label)}`;
}

interface TextPlace {
  x: number;
  y: number;
  class?: string;
  anchor?: "start" | "middle" | "end";
}

function text({ x, y, class: name, anchor = "start" }: TextPlace, content: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const classes = name === undefined ? "" : ` class="${name}"`;
  return `<text${classes} x="${x}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
