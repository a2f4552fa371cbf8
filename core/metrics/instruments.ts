import type { ServiceBroker } from "moleculer";
import { within } from "../tasks/within.ts";
import { Counter, Histogram, type Labels, type Sample } from "./series.ts";

/** Name and help text of a metric in Prometheus. */
interface Named {
  name: string;
  help: string;
}

/** A metric with all its series, at one moment. */
export interface Metric extends Named {
  type: "counter" | "gauge" | "histogram";
  samples: Sample[];
}

/** The series of one metric, by their labels. */
export class Family<Label extends string, Series extends Counter | Histogram> {
  readonly #named: Named & Pick<Metric, "type">;
  readonly #labelNames: readonly Label[];
  readonly #make: () => Series;
  readonly #series = new Map<string, { labels: Record<Label, string>; series: Series }>();

  constructor(
    named: Named & Pick<Metric, "type">,
    labelNames: readonly Label[],
    make: () => Series,
  ) {
    this.#named = named;
    this.#labelNames = labelNames;
    this.#make = make;
  }

  /** Returns the series with these labels. Their values must be few: each makes a series. */
  of(labels: Record<Label, string>): Series {
    const key = this.#labelNames.map((name) => labels[name]).join("\n");
    let found = this.#series.get(key);
    if (found === undefined) this.#series.set(key, (found = { labels, series: this.#make() }));
    return found.series;
  }

  toMetric(): Metric {
    const all = [...this.#series.values()];
    return {
      ...this.#named,
      samples: all.flatMap(({ labels, series }) => series.samples(labels)),
    };
  }
}

/** One value of a metric that is read at a scrape. */
export interface Reading<Name extends string = string> {
  name: Name;
  value: number;
  labels?: Labels;
}

/** Metrics that one function reads at each scrape. */
export interface ReadMetrics<Name extends string> {
  /** The help texts by the names. A name that ends with `_total` is a counter, except `gaugesNamedTotal`. Another one is a gauge. */
  metrics: Readonly<Record<Name, string>>;
  read: () => Reading<Name>[] | Promise<Reading<Name>[]>;
  /** How long readings may be used again, for example because they cost statements. */
  maxAgeMs?: number;
}

interface Reader {
  metrics: Readonly<Record<string, string>>;
  read: () => Promise<Reading[]>;
  maxAgeMs: number;
  readings: Promise<Reading[]>;
  readAtMs: number;
}

/** Moleculer's names of gauges that end like those of counters. */
const gaugesNamedTotal: ReadonlySet<string> = new Set(["process_memory_heap_size_total"]);
/** A reading that takes longer is left out of the scrape. */
const readTimeoutMs = 2_000;
/** How old readings of a database may be. Scrapes of several servers share them. */
export const databaseReadingsMaxAgeMs = 5_000;

/**
 * The metrics of a node besides Moleculer's own. Moleculer's registry builds the text of all labels
 * for each increment, and exports no sum and count of a histogram without quantiles. These series
 * are plain numbers.
 */
export class Instruments {
  /** Without metrics, the series still count, but durations need not be measured. */
  readonly isEnabled: boolean;
  readonly #families = new Map<string, Family<string, Counter | Histogram>>();
  readonly #readers = new Map<string, Reader>();
  readonly #onFault: (owner: string, fault: unknown) => void;

  constructor(isEnabled: boolean, onFault: (owner: string, fault: unknown) => void) {
    this.isEnabled = isEnabled;
    this.#onFault = onFault;
  }

  /** Returns a counter. Its name ends with `_total`. */
  counter(name: string, help: string): Counter {
    return this.counters(name, help, []).of({});
  }

  counters<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Family<Label, Counter> {
    return this.#family({ name, help, type: "counter" }, labelNames, () => new Counter());
  }

  /** @param bounds the upper bounds of the buckets, ascending */
  histograms<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    bounds: readonly number[],
  ): Family<Label, Histogram> {
    const make = () => new Histogram(bounds);
    return this.#family({ name, help, type: "histogram" }, labelNames, make);
  }

  /** Services of one process share a metric, and a reloaded service goes on with its series. */
  #family<Label extends string, Series extends Counter | Histogram>(
    named: Named & Pick<Metric, "type">,
    labelNames: readonly Label[],
    make: () => Series,
  ): Family<Label, Series> {
    const family = this.#families.get(named.name) ?? new Family(named, labelNames, make);
    this.#families.set(named.name, family);
    return family as unknown as Family<Label, Series>;
  }

  /**
   * Adds metrics that are read at each scrape. Readings that fail or take too long are left out, so
   * that no old value looks like a new one.
   *
   * @param owner names the function in the log; the same owner replaces its earlier function
   */
  read<Name extends string>(
    owner: string,
    { metrics, read, maxAgeMs = 0 }: ReadMetrics<Name>,
  ): void {
    const never = { readings: Promise.resolve([]), readAtMs: -Infinity };
    // Also a fault of a function that is not asynchronous rejects.
    const readAsync = async () => read();
    this.#readers.set(owner, { metrics, read: readAsync, maxAgeMs, ...never });
  }

  /** The names of all metrics. */
  names(): string[] {
    const read = [...this.#readers.values()].flatMap(({ metrics }) => Object.keys(metrics));
    return [...new Set([...this.#families.keys(), ...read])];
  }

  /** @param only the names of the metrics to read; all without it */
  async collect(only?: ReadonlySet<string>): Promise<Metric[]> {
    const metrics = new Map<string, Metric>();
    for (const [name, family] of this.#families) {
      if (only?.has(name) !== false) metrics.set(name, family.toMetric());
    }
    const readers = [...this.#readers].filter(
      ([, reader]) => only === undefined || Object.keys(reader.metrics).some((it) => only.has(it)),
    );
    const owned = readers.map(async ([owner, reader]) => ({
      reader,
      readings: await this.#readingsOf(owner, reader),
    }));
    for (const { reader, readings } of await Promise.all(owned)) {
      for (const [name, help] of Object.entries(reader.metrics)) {
        const type = name.endsWith("_total") && !gaugesNamedTotal.has(name) ? "counter" : "gauge";
        const metric = metrics.get(name) ?? { name, help, type, samples: [] };
        for (const { value, labels = {} } of readings.filter((reading) => reading.name === name)) {
          metric.samples.push({ suffix: "", labels, value });
        }
        metrics.set(name, metric);
      }
    }
    return [...metrics.values()];
  }

  /** Returns the readings of a function; none if it fails. Concurrent scrapes share them. */
  #readingsOf(owner: string, reader: Reader): Promise<Reading[]> {
    if (performance.now() - reader.readAtMs <= reader.maxAgeMs) return reader.readings;
    reader.readAtMs = performance.now();
    reader.readings = within(reader.read(), readTimeoutMs).catch((fault: unknown) => {
      this.#onFault(owner, fault);
      // The next scrape tries again.
      reader.readAtMs = -Infinity;
      return [];
    });
    return reader.readings;
  }
}

const instruments = new WeakMap<ServiceBroker, Instruments>();

/** Returns the metrics of a broker's node. */
export function instrumentsOf(broker: ServiceBroker): Instruments {
  let found = instruments.get(broker);
  if (found === undefined) {
    found = new Instruments(broker.isMetricsEnabled(), (owner, fault) => {
      broker.logger.warn(`The metrics of ${owner} could not be read.`, fault);
    });
    instruments.set(broker, found);
  }
  return found;
}
