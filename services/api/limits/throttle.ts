import { LRUCache } from "lru-cache";
import { maxQueryCost } from "./request-limits.ts";

/** Callers who are remembered; one who is forgotten begins with a full bucket again. */
const maxCallers = 50_000;

/** Who owes as much as comes back in so long owes no more. */
const maxDebtSeconds = 2;

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * A token bucket for each caller of this gateway, weighted by what their operations cost. It holds
 * as much as the largest operation may cost, and fills again by so much a second.
 */
export class Throttle {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #capacity: number;
  readonly #buckets = new LRUCache<string, Bucket>({ max: maxCallers });

  /**
   * @param perSecond 0 lets everything pass
   * @param capacity what a caller may use at once
   */
  constructor(
    perSecond: number,
    now: () => number = () => performance.now(),
    capacity: number = maxQueryCost,
  ) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#capacity = capacity;
  }

  /** Takes the cost of an operation; gives the seconds to wait where there is not enough. */
  take(caller: string, cost: number): number | undefined {
    if (this.#perSecond === 0) return undefined;
    const bucket = this.#filled(caller);
    if (bucket.tokens < cost) return Math.ceil((cost - bucket.tokens) / this.#perSecond);
    bucket.tokens -= cost;
    return undefined;
  }

  /**
   * Takes the cost of what has been done already, also where there is not enough: the caller owes
   * it then, and is refused until it is there. Gives false where the caller owes all that one may.
   */
  charge(caller: string, cost: number): boolean {
    if (this.#perSecond === 0) return true;
    const bucket = this.#filled(caller);
    const maxDebt = this.#perSecond * maxDebtSeconds;
    if (bucket.tokens > -maxDebt) bucket.tokens = Math.max(-maxDebt, bucket.tokens - cost);
    return bucket.tokens > -maxDebt;
  }

  /**
   * Takes what an operation has cost more than was taken before it ran; a negative `cost` is given
   * back. It may leave a debt as large as a full bucket, which has to be filled up first.
   */
  settle(caller: string, cost: number): void {
    if (this.#perSecond === 0) return;
    const bucket = this.#filled(caller);
    bucket.tokens = Math.max(-this.#capacity, Math.min(this.#capacity, bucket.tokens - cost));
  }

  #filled(caller: string): Bucket {
    const atMs = this.#now();
    let bucket = this.#buckets.get(caller);
    if (bucket === undefined) {
      bucket = { tokens: this.#capacity, atMs };
      this.#buckets.set(caller, bucket);
    }
    const gained = ((atMs - bucket.atMs) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#capacity, bucket.tokens + gained);
    bucket.atMs = atMs;
    return bucket;
  }
}
