import { verdictOf, type Failure, type Result, type Target } from "./results.ts";
import { numberText, textTable, type Column } from "./text-table.ts";

const columns: Column<Result>[] = [
  { title: "measurement", cell: ({ name }) => name },
  { title: "in flight", isRight: true, cell: ({ inFlight }) => inFlight?.toString() ?? "" },
  { title: "/s", isRight: true, cell: ({ measured }) => optional(measured?.perSecond) },
  { title: "p50 ms", isRight: true, cell: ({ measured }) => optional(measured?.p50Ms) },
  { title: "p99 ms", isRight: true, cell: ({ measured }) => optional(measured?.p99Ms) },
  { title: "reference/s", isRight: true, cell: ({ reference }) => optional(reference?.perSecond) },
  { title: "result", isRight: true, cell: ({ value, unit }) => withUnit(value, unit) },
  { title: "95 % interval", isRight: true, cell: ({ interval }) => intervalText(interval) },
  { title: "rounds", isRight: true, cell: ({ rounds }) => String(rounds.length) },
  { title: "target", cell: ({ target }) => targetText(target) },
  { title: "verdict", cell: (result) => verdictOf(result) ?? "" },
];

/** Lays all results out as one table, and counts the targets. */
export function resultsTable(results: readonly Result[], failures: readonly Failure[]): string {
  const groups = [...Map.groupBy(results, ({ group }) => group)];
  const table = textTable(
    columns,
    groups.map(([title, rows]) => ({ title, rows })),
  );
  return [
    ...(results.length === 0 ? [] : [table, "", targetCount(results)]),
    ...failures.map(({ what, error }) => `FAILED ${what}: ${error}`),
  ].join("\n");
}

function targetCount(results: readonly Result[]): string {
  const verdicts = results.map(verdictOf).filter((verdict) => verdict !== undefined);
  const count = (wanted: string) => verdicts.filter((verdict) => verdict === wanted).length;
  return `Of ${verdicts.length} targets: ${count("reached")} reached, ${count("MISSED")} missed, ${count("unclear")} unclear (the interval contains the target).`;
}

export function intervalText(interval: Result["interval"]): string {
  if (interval === undefined) return "";
  return `${numberText(interval.low)} – ${numberText(interval.high)}`;
}

function withUnit(value: number, unit: Result["unit"]): string {
  return unit === "ratio" ? numberText(value) : `${numberText(value)} ${unit}`;
}

function targetText(target: Target | undefined): string {
  if (target === undefined) return "";
  return "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
}

function optional(value: number | undefined): string {
  return value === undefined ? "" : numberText(value);
}
