/** More than any client needs. Further requests of an address would delay those of others. */
const maxConcurrentPerAddress = 100;
/**
 * A request that waits longer has too little time left: its client would give up before the answer.
 * With the time of a call, the answer takes at most 5 s.
 */
export const maxSlotWaitMs = 1_000;

interface Address {
  running: number;
  /** In order of arrival. */
  waiting: Set<() => void>;
}

/** Limits the concurrent requests of each address. Further requests wait in order of arrival. */
export class ConcurrencyLimit {
  readonly #addresses = new Map<string, Address>();

  /**
   * Returns true if the request may run now. Otherwise the promise resolves with true when it may
   * run, or with false after `maxSlotWaitMs`. Each true needs a `release`.
   */
  acquire(group: string): true | Promise<boolean> {
    const address = this.#addresses.get(group);
    if (address === undefined) {
      this.#addresses.set(group, { running: 1, waiting: new Set() });
      return true;
    }
    if (address.running < maxConcurrentPerAddress) {
      address.running += 1;
      return true;
    }
    return new Promise((resolve) => {
      const start = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        address.waiting.delete(start);
        resolve(false);
      }, maxSlotWaitMs);
      address.waiting.add(start);
    });
  }

  /** Ends a request and starts the request that has waited longest. */
  release(group: string): void {
    const address = this.#addresses.get(group);
    if (address === undefined) return;
    const [next] = address.waiting;
    if (next !== undefined) {
      address.waiting.delete(next);
      next();
    } else if (address.running > 1) address.running -= 1;
    else this.#addresses.delete(group);
  }
}
