/** The width of the name of a day with its distance to the next one, in pixels. */
const dayNameWidth = 64;

/** Returns the days that have their name below a chart: as many as fit, and always the last one. */
export function namedDays(times: readonly number[], width: number): number[] {
  const step = Math.max(Math.ceil((times.length * dayNameWidth) / width), 1);
  return times.filter((_, index) => (times.length - 1 - index) % step === 0);
}

/** The number of marks that fit beside a chart, about. */
const wantedMarks = 4;

/**
 * Returns the marks of an axis from 0: round numbers, the last of which is not below the largest
 * value. Half an order is no mark.
 */
export function marksUpTo(max: number): number[] {
  const least = Math.max(max / wantedMarks, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= least) ?? least;
  const count = Math.max(Math.ceil(max / step), 1);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}
