/** The values of a line; null where nothing was measured. */
export type Values = readonly (number | null)[];

/** A line of a chart. */
export interface ChartLine {
  label: string;
  values: Values;
  /** The design token of its colour. */
  token: string;
  /** Lines of one chart differ by more than their colour. */
  dash?: readonly number[];
}

/** What a line says, for people who do not see it. */
export interface Summary {
  now: number | null;
  highest: number;
  /** The index of the highest value. */
  highestAt: number;
  mean: number;
}

/** Summarizes a line. Returns undefined if nothing was measured. */
export function summaryOf(values: Values): Summary | undefined {
  let [count, sum, highest, highestAt] = [0, 0, Number.NEGATIVE_INFINITY, -1];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    count += 1;
    sum += value;
    if (value > highest) [highest, highestAt] = [value, index];
  }
  if (count === 0) return undefined;
  return { now: values.at(-1) ?? null, highest, highestAt, mean: sum / count };
}
