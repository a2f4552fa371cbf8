import { LRUCache } from "lru-cache";
import { atMost } from "./at-most.ts";
import { maxQueryCost } from "./request-limits.ts";

/** Callers with a stored bucket. A caller beyond this number starts with a full bucket again. */
const maxCallers = 50_000;

/** The largest debt of `charge`, in seconds of refill. */
const maxDebtSeconds = 2;

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * A token bucket for each caller of this gateway, in units of operation cost. Its capacity is the
 * maximum cost of an operation. It refills by `perSecond`.
 */
export class Throttle {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #capacity: number;
  /** The number of rejected requests. */
  rejections = 0;
  readonly #buckets = new LRUCache<string, Bucket>(atMost(maxCallers));

  /**
   * @param perSecond refill rate; 0 disables the throttle
   * @param capacity the largest burst of a caller
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

  /** Takes the cost of an operation. Returns the seconds to wait if the bucket holds too little. */
  take(caller: string, cost: number): number | undefined {
    if (this.#perSecond === 0) return undefined;
    const bucket = this.#refilled(caller);
    if (bucket.tokens < cost) {
      this.rejections += 1;
      return Math.ceil((cost - bucket.tokens) / this.#perSecond);
    }
    bucket.tokens -= cost;
    return undefined;
  }

  /**
   * Takes the cost of work that is already done. If the bucket holds too little, the caller goes
   * into debt and is rejected until the bucket is refilled. Returns false at the maximum debt.
   */
  charge(caller: string, cost: number): boolean {
    if (this.#perSecond === 0) return true;
    const bucket = this.#refilled(caller);
    const maxDebt = this.#perSecond * maxDebtSeconds;
    if (bucket.tokens > -maxDebt) bucket.tokens = Math.max(-maxDebt, bucket.tokens - cost);
    return bucket.tokens > -maxDebt;
  }

  /**
   * Takes the difference between the actual and the charged cost of an operation. A negative `cost`
   * refills the bucket. The debt is at most the capacity.
   */
  settle(caller: string, cost: number): void {
    if (this.#perSecond === 0) return;
    const bucket = this.#refilled(caller);
    bucket.tokens = Math.max(-this.#capacity, Math.min(this.#capacity, bucket.tokens - cost));
  }

  #refilled(caller: string): Bucket {
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
