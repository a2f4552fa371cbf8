import type { MetricRegistry } from "moleculer";

export type Labels = Readonly<Record<string, unknown>>;

/** The names of the metrics that count and time one kind of work. */
export interface SeriesNames {
  total: string;
  active: string;
  time: string;
}

/** What Moleculer's histograms are made of, which its types leave out. */
interface Histogram {
  buckets: number[];
  get(labels: Labels): HistogramItem | undefined;
  observe(value: number, labels: Labels): HistogramItem;
}
interface HistogramItem {
  count: number;
  sum: number;
  bucketValues: Record<number, number>;
  quantileValues: { add(value: number): void };
  rate?: { update(count: number): void };
}

/** Durations kept for quantiles between two looks at a series; of more, a sample of them. */
const maxSamples = 200;

/**
 * Counts and times one kind of work in plain numbers, which a look at the metrics hands to
 * Moleculer's registry: that would keep each duration for a minute, and sort them all for a look.
 */
export class MetricSeries {
  readonly #names: SeriesNames;
  readonly #labels: Labels;
  readonly #bounds: readonly number[];
  readonly #histogram: Histogram;
  #total = 0;
  #active = 0;
  #count = 0;
  #sumMs = 0;
  /** How many durations end in which bucket. */
  readonly #inBuckets: number[];
  #samples: number[] = [];

  constructor(metrics: MetricRegistry, names: SeriesNames, labels: Labels) {
    this.#names = names;
    this.#labels = labels;
    this.#histogram = metrics.getMetric(names.time) as unknown as Histogram;
    this.#bounds = this.#histogram.buckets;
    this.#inBuckets = this.#bounds.map(() => 0);
  }

  begin(): void {
    this.#total += 1;
    this.#active += 1;
  }

  end(durationMs: number): void {
    this.#active -= 1;
    this.#sumMs += durationMs;
    this.#count += 1;
    const bucket = this.#bounds.findIndex((bound) => durationMs <= bound);
    if (bucket >= 0) this.#inBuckets[bucket] = (this.#inBuckets[bucket] ?? 0) + 1;
    if (this.#samples.length < maxSamples) this.#samples.push(durationMs);
    else {
      // Reservoir sampling (Vitter's algorithm R): each has the same chance to stay.
      const place = Math.floor(Math.random() * this.#count);
      if (place < maxSamples) this.#samples[place] = durationMs;
    }
  }

  /** Hands on what was counted since the last time. */
  handOn(metrics: MetricRegistry): void {
    if (this.#total > 0) metrics.increment(this.#names.total, this.#labels, this.#total);
    metrics.set(this.#names.active, this.#active, this.#labels);
    this.#total = 0;
    if (this.#count > 0) this.#handOnDurations();
  }

  #handOnDurations(): void {
    const [first = 0, ...others] = this.#samples;
    // Makes the series where there is none, and says that it has changed.
    const item = this.#histogram.observe(first, this.#labels);
    for (const sample of others) item.quantileValues.add(sample);
    item.count += this.#count - 1;
    item.sum += this.#sumMs - first;
    item.rate?.update(item.count);
    let upTo = 0;
    for (const [index, bound] of this.#bounds.entries()) {
      upTo += this.#inBuckets[index] ?? 0;
      // The first is in it already.
      item.bucketValues[bound] = (item.bucketValues[bound] ?? 0) + upTo - Number(first <= bound);
      this.#inBuckets[index] = 0;
    }
    this.#count = 0;
    this.#sumMs = 0;
    this.#samples = [];
  }
}
