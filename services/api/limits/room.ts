import type { ExceededLimit } from "./resource-usage.ts";

/** The most of something, for one address and for all. */
export interface RoomSize {
  perAddress: number;
  inAll: number;
}

interface Address {
  /** The size of the work in progress. */
  used: number;
  /** The number of works in progress and of those that wait. */
  works: number;
  /** What waits, in order of arrival. */
  waiting: { size: number; start: () => void }[];
}

/**
 * Limits the work in progress by its size. Further work waits. Addresses take turns, so that one does
 * not delay the others.
 */
export class Room {
  readonly #max: RoomSize;
  readonly #maxWaiting: RoomSize;
  readonly #addresses = new Map<string, Address>();
  /** Addresses with work that waits, in the order of their turns. */
  readonly #waiting = new Map<string, Address>();
  #used = 0;
  /** How many works wait. */
  #waits = 0;
  /** Whether work waits although its address has room: later work must not take what it needs. */
  #isFull = false;

  /**
   * @param max the largest size of all work in progress
   * @param maxWaiting how many works may wait, which `excess` tells
   */
  constructor(max: RoomSize, maxWaiting: RoomSize = { perAddress: Infinity, inAll: Infinity }) {
    this.#max = max;
    this.#maxWaiting = maxWaiting;
  }

  /** Returns the limit that further work of an address exceeds by waiting, if it would wait. */
  excess(group: string): ExceededLimit | undefined {
    const waiting = this.#waiting.get(group)?.waiting.length ?? 0;
    if (waiting >= this.#maxWaiting.perAddress) return "address";
    return this.#waits >= this.#maxWaiting.inAll ? "gateway" : undefined;
  }

  /** Does work for an address when there is room. Larger work than an address may have takes all of it. */
  async within<Result>(group: string, asked: number, work: () => Promise<Result>): Promise<Result> {
    const { perAddress, inAll } = this.#max;
    const size = Math.min(Math.max(1, asked), perAddress);
    const address = this.#addresses.get(group) ?? { used: 0, works: 0, waiting: [] };
    this.#addresses.set(group, address);
    address.works += 1;
    const fits = address.used + size <= perAddress && this.#used + size <= inAll;
    if (fits && !this.#isFull && address.waiting.length === 0) this.#take(address, size);
    else {
      this.#waits += 1;
      await new Promise<void>((start) => {
        address.waiting.push({ size, start });
        this.#waiting.set(group, address);
        this.#startWaiting();
      });
    }
    try {
      return await work();
    } finally {
      this.#take(address, -size);
      address.works -= 1;
      if (address.works === 0) this.#addresses.delete(group);
      this.#startWaiting();
    }
  }

  #startWaiting(): void {
    this.#isFull = false;
    while (this.#startNext());
  }

  #take(address: Address, size: number): void {
    address.used += size;
    this.#used += size;
  }

  /** Starts the first waiting work whose address has room. Returns false if there is none, or no room. */
  #startNext(): boolean {
    for (const [group, address] of this.#waiting) {
      const [next] = address.waiting;
      if (next === undefined || address.used + next.size > this.#max.perAddress) continue;
      this.#isFull = this.#used + next.size > this.#max.inAll;
      if (this.#isFull) return false;
      address.waiting.shift();
      this.#waits -= 1;
      this.#take(address, next.size);
      this.#waiting.delete(group);
      if (address.waiting.length > 0) this.#waiting.set(group, address);
      next.start();
      return true;
    }
    return false;
  }
}
