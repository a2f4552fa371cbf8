/** More than any client needs. Further requests of an address would delay those of others. */
const maxConcurrentPerAddress = 100;

interface Address {
  running: number;
  waiting: (() => void)[];
}

/** Limits the concurrent requests of each address. Further requests wait in order of arrival. */
export class ConcurrencyLimit {
  readonly #addresses = new Map<string, Address>();

  /** Returns undefined if the request may run now, or a promise. Each call needs a `release`. */
  acquire(group: string): Promise<void> | undefined {
    const address = this.#addresses.get(group);
    if (address === undefined) {
      this.#addresses.set(group, { running: 1, waiting: [] });
      return undefined;
    }
    if (address.running < maxConcurrentPerAddress) {
      address.running += 1;
      return undefined;
    }
    return new Promise((resolve) => address.waiting.push(resolve));
  }

  /** Ends a request and starts the request that has waited longest. */
  release(group: string): void {
    const address = this.#addresses.get(group);
    if (address === undefined) return;
    const next = address.waiting.shift();
    if (next !== undefined) next();
    else if (address.running > 1) address.running -= 1;
    else this.#addresses.delete(group);
  }
}
