import type { ResultsFile } from "./results-file.ts";
import { isLowerBetter, labelOf, type Result } from "./results.ts";
import { intervalText } from "./table.ts";
import { numberText, textTable, type Column } from "./text-table.ts";

/** A measurement that two runs have. */
interface Pair {
  before: Result;
  after: Result;
}

export type Difference = "better" | "worse" | "not significant" | "no interval";

/**
 * Compares two results of a measurement. A difference is significant if the two intervals do not
 * overlap. For two intervals of 95 % this is a stricter test than one at the level of 5 %: N.
 * Schenker, J. F. Gentleman, On Judging the Significance of Differences by Examining the Overlap
 * Between Confidence Intervals, The American Statistician 55 (2001).
 */
export function differenceOf({ before, after }: Pair): Difference {
  if (before.interval === undefined || after.interval === undefined) return "no interval";
  const isLower = after.interval.high < before.interval.low;
  const isHigher = after.interval.low > before.interval.high;
  if (!isLower && !isHigher) return "not significant";
  return isLower === isLowerBetter(after) ? "better" : "worse";
}

const columns: Column<Pair>[] = [
  { title: "measurement", cell: ({ after }) => after.name },
  { title: "in flight", isRight: true, cell: ({ after }) => after.inFlight?.toString() ?? "" },
  { title: "unit", cell: ({ after }) => after.unit },
  { title: "old", isRight: true, cell: ({ before }) => numberText(before.value) },
  { title: "95 % interval", isRight: true, cell: ({ before }) => intervalText(before.interval) },
  { title: "new", isRight: true, cell: ({ after }) => numberText(after.value) },
  { title: "95 % interval", isRight: true, cell: ({ after }) => intervalText(after.interval) },
  { title: "change", isRight: true, cell: changeText },
  { title: "difference", cell: differenceOf },
];

/** Lays the results of two runs out side by side, with warnings if the runs are not comparable. */
export function comparisonText(before: ResultsFile, after: ResultsFile): string {
  const known = new Map(before.results.map((result) => [labelOf(result), result]));
  const pairs = after.results.flatMap((result) => {
    const old = known.get(labelOf(result));
    return old === undefined ? [] : [{ before: old, after: result }];
  });
  if (pairs.length === 0) return "The two runs have no measurement in common.";
  const groups = [...Map.groupBy(pairs, (pair) => pair.after.group)];
  const differences = pairs.map(differenceOf);
  const count = (wanted: Difference) => differences.filter((one) => one === wanted).length;
  return [
    `Old: ${originOf(before)}. New: ${originOf(after)}.`,
    ...warnings(before, after),
    "",
    textTable(
      columns,
      groups.map(([title, rows]) => ({ title, rows })),
    ),
    "",
    `Significant differences: ${count("better")} better, ${count("worse")} worse, of ${pairs.length}.`,
  ].join("\n");
}

function changeText({ before, after }: Pair): string {
  const percent = (after.value / before.value - 1) * 100;
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(1)} %`;
}

function originOf({ at, commit, isDirty }: ResultsFile): string {
  const changed = isDirty === true ? " with changes" : "";
  return `${at}, ${commit === null ? "no commit" : `commit ${commit.slice(0, 10)}`}${changed}`;
}

function warnings(before: ResultsFile, after: ResultsFile): string[] {
  const isSameMachine = JSON.stringify(before.machine) === JSON.stringify(after.machine);
  const noisy = [before, after].filter(({ noise }) => noise.reasons.length > 0);
  const versions = ["node", "PostgreSQL"].filter(
    (name) => before.versions[name] !== after.versions[name],
  );
  return [
    ...(isSameMachine ? [] : ["WARNING: the machines differ. Compare ratios only."]),
    ...versions.map(
      (name) => `WARNING: ${name} was ${before.versions[name]} and is ${after.versions[name]} now.`,
    ),
    ...(noisy.length === 0 ? [] : ["WARNING: the machine was noisy in at least one of the runs."]),
  ];
}
