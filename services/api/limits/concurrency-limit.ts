/** Enough for any client; further requests of the same address would only delay those of others. */
const maxConcurrentPerAddress = 100;

interface Address {
  taken: number;
  waiting: (() => void)[];
}

/** Limits the requests that run at a time for each address. Further ones wait in order of arrival. */
export class ConcurrencyLimit {
  readonly #addresses = new Map<string, Address>();

  /** Gives undefined if the request may run now, or a promise to wait for. Each call needs a `release`. */
  acquire(group: string): Promise<void> | undefined {
    const address = this.#addresses.get(group);
    if (address === undefined) {
      this.#addresses.set(group, { taken: 1, waiting: [] });
      return undefined;
    }
    if (address.taken < maxConcurrentPerAddress) {
      address.taken += 1;
      return undefined;
    }
    return new Promise((resolve) => address.waiting.push(resolve));
  }

  /** Ends a request, and starts the one that has waited longest. */
  release(group: string): void {
    const address = this.#addresses.get(group);
    if (address === undefined) return;
    const next = address.waiting.shift();
    if (next !== undefined) next();
    else if (address.taken > 1) address.taken -= 1;
    else this.#addresses.delete(group);
  }
}
