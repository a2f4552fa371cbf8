import type { Measured } from "./load/load.ts";

/** One line of the table: medians of all rounds. */
export interface Row {
  scenario: string;
  inFlight: number;
  shop: Measured;
  floor: Measured;
  ratio: number;
  target: number;
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
      "to reach": target,
    })),
  );
  console.table(
    figures.map(({ what, value, unit, target = "" }) => ({
      ...{ what, value: rounded(value), unit, "to reach": target },
    })),
  );
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

const barHeight = 18;
const rowHeight = 40;
const [left, width, right] = [300, 420, 120];
const top = 60;

/** The ratios as bars, each with a mark for what it is to reach: one SVG, with nothing around it. */
export function chartOf(rows: readonly Row[]): string {
  const largest = Math.max(...rows.flatMap(({ ratio, target }) => [ratio, target]));
  const x = (ratio: number) => left + (ratio / largest) * width;
  const height = top + rows.length * rowHeight + 20;
  const bars = rows.map(({ scenario, inFlight, shop, ratio, target }, index) => {
    const y = top + index * rowHeight;
    const colour = ratio >= target ? "#2f7d5b" : "#b8862b";
    const label = `${scenario}, ${inFlight} in flight`;
    return `<text x="${left - 10}" y="${y + 13}" text-anchor="end">${label}</text>
      <rect x="${left}" y="${y}" width="${x(ratio) - left}" height="${barHeight}" fill="${colour}"/>
      <line x1="${x(target)}" x2="${x(target)}" y1="${y - 4}" y2="${y + barHeight + 4}" stroke="#222" stroke-width="2"/>
      <text x="${x(ratio) + 8}" y="${y + 13}">${ratio.toFixed(2)} · ${Math.round(shop.perSecond)}/s</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + right}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
    <rect width="100%" height="100%" fill="#fff"/>
    <text x="20" y="24" font-size="16">The shop beside its floors: requests a second, as a ratio</text>
    <text x="20" y="42" fill="#666">The line in each bar is the ratio to reach; 1 is a bare node:http and pg.</text>
    ${bars.join("\n")}
  </svg>
`;
}
