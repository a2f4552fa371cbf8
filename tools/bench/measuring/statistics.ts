/** The range that contains the median with at least the requested confidence. */
export interface Interval {
  low: number;
  high: number;
}

/** Returns the value below which this share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new Error("no values");
  return found;
}

/** Returns the middle value, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error("no values");
  return (low + high) / 2;
}

/**
 * Returns the confidence interval of the median by order statistics: the k-th smallest and the k-th
 * largest value, with the largest k whose coverage, 1 - 2 P(B ≤ k - 1) with B ~ binomial(n, 1/2), is
 * at least `confidence`. It assumes independent values, but no distribution. Six values are the
 * fewest with 95 %; for fewer the result is undefined.
 *
 * Source: J.-Y. Le Boudec, Performance Evaluation of Computer and Communication Systems, EPFL Press
 * 2010, theorem 2.1.
 */
export function medianInterval(values: readonly number[], confidence = 0.95): Interval | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let rank = 0;
  let tail = 0.5 ** count;
  for (let term = tail; 2 * tail <= 1 - confidence; tail += term) {
    term *= (count - rank) / (rank + 1);
    rank += 1;
  }
  const [low, high] = [sorted[rank - 1], sorted[count - rank]];
  return low === undefined || high === undefined ? undefined : { low, high };
}
