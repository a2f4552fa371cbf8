import {
  addTally,
  quantileOf,
  type Bounds,
  type Flow,
  type FlowKind,
  type NodeVitals,
  type Tally,
} from "../../../core/vitals/flows.ts";

/** How much work was done per second, and how long it took. */
export interface ClusterRate {
  perSecond: number;
  errorsPerSecond: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
}

/** Returns the rate of work in a window. */
export function rateOf(
  { count, errors, buckets }: Tally,
  bounds: readonly number[],
  seconds: number,
): ClusterRate {
  const quantile = (share: number) => {
    const ms = quantileOf(bounds, buckets, share);
    return ms === null ? null : rounded(ms);
  };
  return {
    perSecond: rounded(count / seconds),
    errorsPerSecond: rounded(errors / seconds),
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
  };
}

/** More digits would be noise. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

export const noTally = (): Tally => ({ count: 0, errors: 0, buckets: [] });

/**
 * Sums the flows of several nodes by a key. The windows of nodes differ slightly, so the rates are added
 * and not the counts; the quantiles come from the sums of the buckets, which have whole numbers.
 */
export class FlowSums {
  readonly #sums = new Map<string, { first: Flow; tally: Tally; bounds: readonly number[] }>();
  readonly #keyOf: (flow: Flow) => string | undefined;

  /** @param keyOf undefined for a flow that is left out */
  constructor(keyOf: (flow: Flow) => string | undefined) {
    this.#keyOf = keyOf;
  }

  add({ flows, windowSeconds, bounds }: NodeVitals): void {
    for (const flow of flows) {
      const key = this.#keyOf(flow);
      if (key === undefined) continue;
      const tally = {
        count: flow.count / windowSeconds,
        errors: flow.errors / windowSeconds,
        // addTally changes the sum.
        buckets: [...flow.buckets],
      };
      const sum = this.#sums.get(key);
      if (sum !== undefined) addTally(sum.tally, tally);
      else this.#sums.set(key, { first: flow, tally, bounds: bounds[flow.kind] });
    }
  }

  /** Returns the sums with the most work first. */
  rates(): { first: Flow; rate: ClusterRate }[] {
    return [...this.#sums.values()]
      .map(({ first, tally, bounds }) => ({ first, rate: rateOf(tally, bounds, 1) }))
      .sort((a, b) => b.rate.perSecond - a.rate.perSecond);
  }
}

/** Returns the bounds of a kind from the nodes that have measured it. */
export function boundsOf(all: readonly Bounds[], kind: FlowKind): readonly number[] {
  return all.find((bounds) => bounds[kind].length > 0)?.[kind] ?? [];
}
