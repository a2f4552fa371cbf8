import type { Measured } from "./load/load.ts";

/** One line of the table: medians of all rounds. */
export interface Row {
  scenario: string;
  inFlight: number;
  shop: Measured;
  floor: Measured;
  ratio: number;
  /** What the ratio is to reach, where that is stated. */
  target: number | undefined;
}

/** What is no throughput. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  target?: string;
}

export function printReport(rows: readonly Row[], figures: readonly Figure[]): void {
  console.table(
    rows.map(({ scenario, inFlight, shop, floor, ratio, target }) => ({
      scenario,
      "in flight": inFlight,
      "shop/s": rounded(shop.perSecond),
      "p50 ms": rounded(shop.p50Ms),
      "p99 ms": rounded(shop.p99Ms),
      "floor/s": rounded(floor.perSecond),
      ratio: rounded(ratio),
      "to reach": target ?? "",
    })),
  );
  console.table(
    figures.map(({ what, value, unit, target = "" }) => ({
      what,
      value: rounded(value),
      unit,
      "to reach": target,
    })),
  );
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

const barHeight = 14;
const rowHeight = 22;
/** Between the rows of one scenario and those of the next. */
const groupGap = 14;
const [left, width, right] = [280, 420, 130];
const top = 78;
const bottom = 16;
const [reached, missed, unasked] = ["#2f7d5b", "#b8862b", "#8a97a3"];

/**
 * The ratios as bars, the rows of a scenario together, each with a mark for what it is to reach:
 * one SVG, with nothing around it.
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
      [20, reached, "what is to be reached is reached"],
      [260, missed, "it is not"],
      [330, unasked, "nothing is stated"],
    ] as const
  ).map(
    ([at, colour, text]) => `<rect x="${at}" y="50" width="10" height="10" fill="${colour}"/>
      <text x="${at + 15}" y="59" fill="#555">${text}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + right}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
    <rect width="100%" height="100%" fill="#fff"/>
    <text x="20" y="24" font-size="16">The shop beside its floors: requests a second, as a ratio</text>
    <text x="20" y="42" fill="#555">1, the dotted line, is a bare node:http with pg. The black mark is what is to be reached.</text>
    ${legend.join("\n")}
    <line x1="${x(1)}" x2="${x(1)}" y1="${top - 6}" y2="${height - bottom + 4}" stroke="#999" stroke-dasharray="2 3"/>
    ${groups.join("\n")}
  </svg>
`;
}

function barOf({ inFlight, shop, ratio, target }: Row, x: (ratio: number) => number, y: number) {
  const colour = target === undefined ? unasked : ratio >= target ? reached : missed;
  const mark =
    target === undefined
      ? ""
      : `<rect x="${x(target) - 1}" y="${y - 3}" width="2" height="${barHeight + 6}"/>`;
  // Beside the bar and its mark, so that neither strikes it through.
  const textX = x(Math.max(ratio, target ?? 0)) + 8;
  const perSecond = Math.round(shop.perSecond).toLocaleString("en");
  return `<text x="${left - 10}" y="${y + 11}" text-anchor="end" fill="#555">${inFlight} in flight</text>
      <rect x="${left}" y="${y}" width="${x(ratio) - left}" height="${barHeight}" fill="${colour}"/>
      ${mark}
      <text x="${textX}" y="${y + 11}" stroke="#fff" stroke-width="3" paint-order="stroke">${ratio.toFixed(2)} · ${perSecond}/s</text>`;
}
