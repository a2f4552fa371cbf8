/** The kinds of work whose rates a node measures. */
export const flowKinds = ["REQUEST", "CALL", "STATEMENT", "EVENT"] as const;

export type FlowKind = (typeof flowKinds)[number];

/** The upper bounds of the buckets of durations in milliseconds, by kind. The last bucket has none. */
export type Bounds = Readonly<Record<FlowKind, readonly number[]>>;

/** Work that was done: how often, with how many faults, and how long it took. */
export interface Tally {
  count: number;
  /** Faults of the shop. Errors that clients cause do not count. */
  errors: number;
  /** The number of durations by bucket. */
  buckets: number[];
}

/** Work of one kind from one part of the cluster to another. */
export interface Flow extends Tally {
  kind: FlowKind;
  /** `clients`, the name of a service, or `operator`. */
  from: string;
  to: string;
  /** The name of the action; empty for other kinds. */
  name: string;
}

/** The connections of a node to the database of a service. */
export interface Pool {
  service: string;
  used: number;
  idle: number;
  waiting: number;
  limit: number;
}

/** The connection of a node to NATS. */
export interface NatsLink {
  connected: boolean;
  reconnects: number;
  /** Null without an answer. */
  roundTripMs: number | null;
}

/** The state of a node, and the work that it did in the last seconds. */
export interface NodeVitals {
  version: string;
  uptimeSeconds: number;
  cpuPercent: number;
  memoryBytes: number;
  heapBytes: number;
  /** The 99th percentile of the delay of the event loop. */
  loopDelayMs: number;
  /** Whether the databases of all services of the node answer. */
  healthy: boolean;
  /** Null in a single process. */
  nats: NatsLink | null;
  pools: Pool[];
  /** The time in which the work of `flows` was done. */
  windowSeconds: number;
  bounds: Bounds;
  flows: Flow[];
}

/** The work of a node in one step of its history. */
export interface HistoryStep {
  /** The number of the step since the Unix epoch. */
  step: number;
  orders: number;
  flows: Record<FlowKind, Tally>;
}

/** The history of a node. */
export interface NodeHistory {
  bounds: Bounds;
  steps: HistoryStep[];
}

/** The length of a step of the history, and the number of steps that nodes keep. */
export const stepSeconds = 10;
export const keptSteps = 360;

/** Adds a tally to another one, bucket by bucket. */
export function addTally(sum: Tally, { count, errors, buckets }: Tally): void {
  sum.count += count;
  sum.errors += errors;
  for (const [index, inBucket] of buckets.entries()) {
    sum.buckets[index] = (sum.buckets[index] ?? 0) + inBucket;
  }
}

/** Returns the work between an earlier and a later total. */
export function tallySince(earlier: Tally | undefined, later: Tally): Tally {
  if (earlier === undefined) return later;
  return {
    count: later.count - earlier.count,
    errors: later.errors - earlier.errors,
    buckets: later.buckets.map((inBucket, index) => inBucket - (earlier.buckets[index] ?? 0)),
  };
}

/**
 * Returns a quantile of durations, linear within its bucket; null without durations. A quantile in the
 * last bucket is its lower bound.
 *
 * @param buckets whole numbers of durations
 */
export function quantileOf(
  bounds: readonly number[],
  buckets: readonly number[],
  quantile: number,
): number | null {
  const total = buckets.reduce((sum, inBucket) => sum + inBucket, 0);
  if (total === 0) return null;
  // The rank of a real duration: of one duration, all quantiles are the same.
  let rank = Math.ceil(quantile * total);
  for (const [index, inBucket] of buckets.entries()) {
    const low = bounds[index - 1] ?? 0;
    const high = bounds[index];
    if (rank <= inBucket && inBucket > 0) {
      return high === undefined ? low : low + ((high - low) * rank) / inBucket;
    }
    rank -= inBucket;
  }
  return bounds.at(-1) ?? null;
}
