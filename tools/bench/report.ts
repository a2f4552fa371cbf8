import type { Measured } from "./load/load.ts";

/** One line of the table: medians of all rounds. */
export interface Row {
  scenario: string;
  inFlight: number;
  shop: Measured;
  baseline: Measured;
  ratio: number;
  /** The target of the ratio, if the scenario has one. */
  target: number | undefined;
}

/** A measurement that has no baseline row: a time, a size, a ratio of two shops. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  target?: { atLeast: number } | { atMost: number };
}

/** The results so far. */
export interface Results {
  rows: Row[];
  figures: Figure[];
}

/** Prints the tables, which mark missed targets, and the number of missed targets. */
export function printReport({ rows, figures }: Results): void {
  console.table(
    rows.map(({ scenario, inFlight, shop, baseline, ratio, target }) => ({
      scenario,
      "in flight": inFlight,
      "shop/s": rounded(shop.perSecond),
      "p50 ms": rounded(shop.p50Ms),
      "p99 ms": rounded(shop.p99Ms),
      "baseline/s": rounded(baseline.perSecond),
      ratio: rounded(ratio),
      target: target ?? "",
      missed: isRowMissed({ ratio, target }) ? missedMark : "",
    })),
  );
  console.table(
    figures.map((figure) => ({
      what: figure.what,
      value: rounded(figure.value),
      unit: figure.unit,
      target: targetText(figure),
      missed: isFigureMissed(figure) ? missedMark : "",
    })),
  );
  const targets =
    rows.filter(({ target }) => target !== undefined).length +
    figures.filter(({ target }) => target !== undefined).length;
  const missed = rows.filter(isRowMissed).length + figures.filter(isFigureMissed).length;
  console.log(`${missed} of ${targets} targets missed`);
}

const missedMark = "MISSED";

function isRowMissed({ ratio, target }: Pick<Row, "ratio" | "target">): boolean {
  return target !== undefined && ratio < target;
}

function isFigureMissed({ value, target }: Figure): boolean {
  if (target === undefined) return false;
  return "atLeast" in target ? value < target.atLeast : value > target.atMost;
}

function targetText({ target }: Figure): string {
  if (target === undefined) return "";
  return "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

const barHeight = 14;
const rowHeight = 22;
/** Between two scenarios. */
const groupGap = 14;
const [left, width, right] = [280, 420, 130];
const top = 78;
const bottom = 16;
const [reached, missed, untargeted] = ["#2f7d5b", "#b8862b", "#8a97a3"];

/**
 * Draws the ratios as bars, grouped by scenario, each with a mark for its target. Gives a complete
 * SVG file.
 */
export function chartOf(rows: readonly Row[]): string {
  const largest = Math.max(1, ...rows.flatMap(({ ratio, target = 0 }) => [ratio, target]));
  const x = (ratio: number) => left + (ratio / largest) * width;
  let y = top;
  const groups = [...Map.groupBy(rows, ({ scenario }) => scenario)].map(([scenario, group]) => {
    const title = `<text x="20" y="${y + 11}">${scenario}</text>`;
    const bars = group.map((row) => {
      const bar = barOf(row, x, y);
      y += rowHeight;
      return bar;
    });
    y += groupGap;
    return [title, ...bars].join("\n");
  });
  const height = y - groupGap + bottom;
  const legend = (
    [
      [20, reached, "target reached"],
      [150, missed, "target missed"],
      [280, untargeted, "no target"],
    ] as const
  ).map(
    ([at, colour, text]) => `<rect x="${at}" y="50" width="10" height="10" fill="${colour}"/>
      <text x="${at + 15}" y="59" fill="#555">${text}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + right}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
    <rect width="100%" height="100%" fill="#fff"/>
    <text x="20" y="24" font-size="16">Requests per second: shop / baseline</text>
    <text x="20" y="42" fill="#555">The dotted line (1) is the baseline: node:http with pg. The black mark is the target.</text>
    ${legend.join("\n")}
    <line x1="${x(1)}" x2="${x(1)}" y1="${top - 6}" y2="${height - bottom + 4}" stroke="#999" stroke-dasharray="2 3"/>
    ${groups.join("\n")}
  </svg>
`;
}

function barOf({ inFlight, shop, ratio, target }: Row, x: (ratio: number) => number, y: number) {
  const colour =
    target === undefined ? untargeted : isRowMissed({ ratio, target }) ? missed : reached;
  const mark =
    target === undefined
      ? ""
      : `<rect x="${x(target) - 1}" y="${y - 3}" width="2" height="${barHeight + 6}"/>`;
  // Right of both the bar and its mark, so that neither crosses the text.
  const textX = x(Math.max(ratio, target ?? 0)) + 8;
  const perSecond = Math.round(shop.perSecond).toLocaleString("en");
  return `<text x="${left - 10}" y="${y + 11}" text-anchor="end" fill="#555">${inFlight} in flight</text>
      <rect x="${left}" y="${y}" width="${x(ratio) - left}" height="${barHeight}" fill="${colour}"/>
      ${mark}
      <text x="${textX}" y="${y + 11}" stroke="#fff" stroke-width="3" paint-order="stroke">${ratio.toFixed(2)} · ${perSecond}/s</text>`;
}
