import type { Measured } from "../load/load.ts";
import { median, medianInterval, type Interval } from "../measuring/statistics.ts";

type Unit = "ratio" | "/s" | "ms" | "MB" | "s";

/** The value that a measurement should reach. */
export type Target = { atLeast: number } | { atMost: number };

/** What is measured. Group, name and requests in flight identify it in every run. */
export interface Measurement {
  group: string;
  name: string;
  inFlight?: number;
  unit: Unit;
  target?: Target;
}

/** Requests per second, and latencies where single requests are timed. */
export type Side = Pick<Measured, "perSecond"> & Partial<Measured>;

/** One round. A ratio has the two sides that it compares. */
export interface Round {
  value: number;
  measured?: Side;
  /** The baseline, or what else the group compares with. */
  reference?: Side;
}

/** A measurement with all rounds; all other values are medians of them. */
export interface Result extends Measurement {
  value: number;
  /** The confidence interval of 95 %; none with fewer than six rounds. */
  interval?: Interval;
  measured?: Side;
  reference?: Side;
  rounds: Round[];
}

/** A measurement or a part of the benchmark that failed. */
export interface Failure {
  what: string;
  error: string;
}

/** Describes a measurement in messages, and for `--only`. */
export function labelOf({ group, name, inFlight }: Measurement): string {
  return `${group}: ${name}${inFlight === undefined ? "" : `, ${inFlight} in flight`}`;
}

/** Collects the rounds of all measurements. What it has is complete at any time. */
export class Results {
  readonly #rounds = new Map<string, { measurement: Measurement; rounds: Round[] }>();
  readonly #order: readonly string[];
  readonly failures: Failure[] = [];

  /** @param order the order of the results; others follow */
  constructor(order: readonly Measurement[] = []) {
    this.#order = order.map(labelOf);
  }

  /** Adds a round of a measurement that is a single value. */
  add(measurement: Measurement, value: number): void {
    this.#add(measurement, { value });
  }

  /** Adds a round of a ratio: requests per second of two sides, or `of` another value of them. */
  addRatio(
    measurement: Measurement,
    { measured, reference }: { measured: Side; reference: Side },
    of: (side: Side) => number = ({ perSecond }) => perSecond,
  ): void {
    this.#add(measurement, { value: of(measured) / of(reference), measured, reference });
  }

  /** Adds the medians of the rounds of `others` as one round. */
  addMedians(measurement: Measurement, others: Results): void {
    const rounds = others.#rounds.get(labelOf(measurement))?.rounds;
    if (rounds === undefined) return;
    const { value, measured, reference } = resultOf(measurement, rounds);
    this.#add(measurement, {
      value,
      ...(measured !== undefined && { measured }),
      ...(reference !== undefined && { reference }),
    });
  }

  fail(what: string, error: unknown): void {
    this.failures.push({ what, error: error instanceof Error ? error.message : String(error) });
  }

  /** Returns the values of all rounds of a measurement. */
  valuesOf(measurement: Measurement): number[] {
    return (this.#rounds.get(labelOf(measurement))?.rounds ?? []).map(({ value }) => value);
  }

  all(): Result[] {
    const rankOf = (label: string) =>
      this.#order.includes(label) ? this.#order.indexOf(label) : this.#order.length;
    return [...this.#rounds]
      .toSorted(([first], [second]) => rankOf(first) - rankOf(second))
      .map(([, { measurement, rounds }]) => resultOf(measurement, rounds));
  }

  #add(measurement: Measurement, round: Round): void {
    const label = labelOf(measurement);
    const known = this.#rounds.get(label) ?? { measurement, rounds: [] };
    known.rounds.push(round);
    this.#rounds.set(label, known);
  }
}

function resultOf(measurement: Measurement, rounds: Round[]): Result {
  const values = rounds.map(({ value }) => value);
  const interval = medianInterval(values);
  const measured = medianSide(rounds.map((round) => round.measured));
  const reference = medianSide(rounds.map((round) => round.reference));
  return {
    ...measurement,
    value: median(values),
    ...(interval !== undefined && { interval }),
    ...(measured !== undefined && { measured }),
    ...(reference !== undefined && { reference }),
    rounds,
  };
}

function medianSide(sides: readonly (Side | undefined)[]): Side | undefined {
  const of = (key: keyof Side) => {
    const values = sides.map((side) => side?.[key]).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const [perSecond, p50Ms, p99Ms] = [of("perSecond"), of("p50Ms"), of("p99Ms")];
  if (perSecond === undefined) return undefined;
  return {
    perSecond,
    ...(p50Ms !== undefined && { p50Ms }),
    ...(p99Ms !== undefined && { p99Ms }),
  };
}

/**
 * Compares a result with its target. A result is unclear if its interval contains values on both
 * sides of the target.
 */
export function verdictOf({
  value,
  interval = { low: value, high: value },
  target,
}: Pick<Result, "value" | "interval" | "target">): "reached" | "MISSED" | "unclear" | undefined {
  if (target === undefined) return undefined;
  const isReached = (one: number) =>
    "atLeast" in target ? one >= target.atLeast : one <= target.atMost;
  const [low, high] = [isReached(interval.low), isReached(interval.high)];
  if (low !== high) return "unclear";
  return low ? "reached" : "MISSED";
}

/** Returns true if a smaller value of this measurement is a better one. */
export function isLowerBetter({ unit, target }: Pick<Measurement, "unit" | "target">): boolean {
  if (target !== undefined) return "atMost" in target;
  return unit === "ms" || unit === "MB" || unit === "s";
}
