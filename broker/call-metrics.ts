import type { Errors, ServiceBroker } from "moleculer";
import { isClientError } from "../core/errors.ts";
import type { CounterOf } from "./message-metrics.ts";
import { MetricSeries, type MetricLabels, type SeriesNames } from "./metric-series.ts";

interface PlainCounter {
  name: string;
  labels: MetricLabels;
  count: number;
}

/** The series of one kind of call or event, and its labels. */
export interface LabelledSeries {
  series: MetricSeries;
  labels: MetricLabels;
}

/** Counts calls and events in plain numbers, and adds them to Moleculer's metrics from time to time. */
export class CallMetrics {
  readonly #metrics: ServiceBroker["metrics"];
  readonly #series: MetricSeries[] = [];
  readonly #counters: PlainCounter[] = [];

  constructor(metrics: ServiceBroker["metrics"]) {
    this.#metrics = metrics;
  }

  /** Makes a counter. The next flush adds its count to the metric. */
  readonly counterOf: CounterOf = (name, labels) => {
    const counter = { name, labels, count: 0 };
    this.#counters.push(counter);
    return counter;
  };

  seriesOf(names: SeriesNames, labels: MetricLabels): LabelledSeries {
    const series = new MetricSeries(this.#metrics, names, labels);
    this.#series.push(series);
    return { series, labels };
  }

  /** Does the work of a call or an event, and counts it with its time and its failure. */
  async counted<Result>(
    errorMetric: string,
    { series, labels }: LabelledSeries,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const startedMs = performance.now();
    series.begin();
    try {
      return await work();
    } catch (error) {
      const { name, code, type } = (error ?? {}) as Partial<Errors.MoleculerError>;
      const described = { ...labels, errorName: name, errorCode: code, errorType: type };
      this.#metrics.increment(errorMetric, described);
      if (!isClientError(error)) series.fail();
      throw error;
    } finally {
      series.end(performance.now() - startedMs);
    }
  }

  /** Adds everything that was counted since the last flush to Moleculer's metrics. */
  flush(): void {
    for (const series of this.#series) series.flush(this.#metrics);
    for (const counter of this.#counters) {
      const { name, labels, count } = counter;
      if (count > 0) this.#metrics.increment(name, labels, count);
      counter.count = 0;
    }
  }
}
