import type { MetricRegistry, ServiceBroker } from "moleculer";
import type { Tally } from "../core/vitals/flows.ts";

export type MetricLabels = Readonly<Record<string, unknown>>;

/** The names of the metrics that count and time one kind of work. */
export interface SeriesNames {
  total: string;
  active: string;
  time: string;
}

/** Members of Moleculer's histograms that its types omit. */
interface Histogram {
  buckets: number[];
  get(labels: MetricLabels): HistogramItem | undefined;
  observe(value: number, labels: MetricLabels): HistogramItem;
}
interface HistogramItem {
  count: number;
  sum: number;
  bucketValues: Record<number, number>;
  quantileValues: { add(value: number): void };
  rate?: { update(count: number): void };
}

/** Calls `update` before each snapshot of these metrics, so that they need not be set before. */
export function updateBeforeSnapshots(
  metrics: MetricRegistry,
  names: readonly string[],
  update: () => void,
): void {
  for (const name of names) {
    const metric = metrics.getMetric(name) as unknown as { snapshot: () => unknown };
    const snapshot = metric.snapshot.bind(metric);
    metric.snapshot = () => {
      update();
      return snapshot();
    };
  }
}

/** The most durations kept for quantiles between two flushes; beyond it, they are sampled. */
const maxSamples = 200;

/**
 * Counts and times one kind of work in plain numbers. A flush adds them to Moleculer's registry,
 * which would keep each duration for a minute and sort all of them for a snapshot.
 */
export class MetricSeries {
  readonly #names: SeriesNames;
  readonly #labels: MetricLabels;
  /** The upper bounds of the buckets in milliseconds. */
  readonly bounds: readonly number[];
  readonly #histogram: Histogram;
  #total = 0;
  #active = 0;
  #count = 0;
  #sumMs = 0;
  /** The number of durations in each bucket. */
  readonly #bucketCounts: number[];
  #samples: number[] = [];
  #errors = 0;
  /** The counts since the start, and how much of the counts above is in them. */
  #allCount = 0;
  #summedCount = 0;
  readonly #allBuckets: number[];
  readonly #summedBuckets: number[];

  constructor(metrics: MetricRegistry, names: SeriesNames, labels: MetricLabels) {
    this.#names = names;
    this.#labels = labels;
    this.#histogram = metrics.getMetric(names.time) as unknown as Histogram;
    this.bounds = this.#histogram.buckets;
    this.#bucketCounts = this.bounds.map(() => 0);
    this.#allBuckets = this.bounds.map(() => 0);
    this.#summedBuckets = this.bounds.map(() => 0);
  }

  begin(): void {
    this.#total += 1;
    this.#active += 1;
  }

  end(durationMs: number): void {
    this.#active -= 1;
    this.#sumMs += durationMs;
    this.#count += 1;
    const { bounds } = this;
    let bucket = 0;
    while (durationMs > (bounds[bucket] ?? Infinity)) bucket += 1;
    if (bucket < bounds.length) this.#bucketCounts[bucket] = (this.#bucketCounts[bucket] ?? 0) + 1;
    if (this.#samples.length < maxSamples) this.#samples.push(durationMs);
    else {
      // Reservoir sampling (Vitter's algorithm R): all durations are kept with equal probability.
      const index = Math.floor(Math.random() * this.#count);
      if (index < maxSamples) this.#samples[index] = durationMs;
    }
  }

  /** Counts a fault. */
  fail(): void {
    this.#errors += 1;
  }

  /** Returns the finished calls since the start of the node. */
  total(): Tally {
    this.#sumUp();
    const inBuckets = this.#allBuckets.reduce((sum, inBucket) => sum + inBucket, 0);
    const buckets = [...this.#allBuckets, this.#allCount - inBuckets];
    return { count: this.#allCount, errors: this.#errors, buckets };
  }

  /** Adds the counts since the last call to those before. */
  #sumUp(): void {
    this.#allCount += this.#count - this.#summedCount;
    this.#summedCount = this.#count;
    for (const [index, inBucket] of this.#bucketCounts.entries()) {
      const added = inBucket - (this.#summedBuckets[index] ?? 0);
      this.#allBuckets[index] = (this.#allBuckets[index] ?? 0) + added;
      this.#summedBuckets[index] = inBucket;
    }
  }

  /** Adds the counts since the last flush to Moleculer's registry. */
  flush(metrics: MetricRegistry): void {
    if (this.#total > 0) metrics.increment(this.#names.total, this.#labels, this.#total);
    metrics.set(this.#names.active, this.#active, this.#labels);
    this.#total = 0;
    if (this.#count === 0) return;
    this.#sumUp();
    this.#flushDurations();
    this.#summedCount = 0;
    this.#summedBuckets.fill(0);
  }

  #flushDurations(): void {
    const [first = 0, ...others] = this.#samples;
    // `observe` creates a missing series, and marks the metric as changed.
    const item = this.#histogram.observe(first, this.#labels);
    for (const sample of others) item.quantileValues.add(sample);
    item.count += this.#count - 1;
    item.sum += this.#sumMs - first;
    item.rate?.update(item.count);
    let cumulated = 0;
    for (const [index, bound] of this.bounds.entries()) {
      cumulated += this.#bucketCounts[index] ?? 0;
      // `observe` has already counted the first sample.
      item.bucketValues[bound] =
        (item.bucketValues[bound] ?? 0) + cumulated - Number(first <= bound);
      this.#bucketCounts[index] = 0;
    }
    this.#count = 0;
    this.#sumMs = 0;
    this.#samples = [];
  }
}

/** The calls of one action by one caller, on the node of the action. */
interface CallSeries {
  caller: string;
  service: string;
  action: string;
  series: MetricSeries;
}

const callSeries = new WeakMap<ServiceBroker, CallSeries[]>();

/** Returns the calls that a node serves; empty without metrics. */
export function callSeriesOf(broker: ServiceBroker): CallSeries[] {
  const found = callSeries.get(broker) ?? [];
  callSeries.set(broker, found);
  return found;
}
