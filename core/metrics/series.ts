export type Labels = Readonly<Record<string, string>>;

/** One line of a metric in Prometheus's text format. */
export interface Sample {
  /** Follows the metric's name: `_bucket`, `_sum` or `_count` of a histogram. */
  suffix: string;
  labels: Labels;
  value: number;
}

/** A number that only grows. */
export class Counter {
  #value = 0;

  add(amount = 1): void {
    this.#value += amount;
  }

  samples(labels: Labels): Sample[] {
    return [{ suffix: "", labels, value: this.#value }];
  }
}

/** The distribution of observed values. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** The number of values by bucket; the last bucket has no bound. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = [...bounds, Infinity].map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    let bucket = 0;
    while (value > (this.#bounds[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  samples(labels: Labels): Sample[] {
    let count = 0;
    const buckets = this.#counts.map((inBucket, index): Sample => {
      count += inBucket;
      const bound = this.#bounds[index];
      const le = bound === undefined ? "+Inf" : String(bound);
      return { suffix: "_bucket", labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { suffix: "_sum", labels, value: this.#sum },
      { suffix: "_count", labels, value: count },
    ];
  }
}
