/**
 * Lets the costly work of different addresses take turns: one piece each time that the event loop
 * comes round, from one address after the other. A flood of one address delays its own work, and
 * that of others by no more than one piece for each step that they take.
 */
export class FairQueue {
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;

  /** Waits until it is the turn of this address. Its own work keeps its order. */
  turn(address: string): Promise<void> {
    return new Promise((resolve) => {
      const own = this.#waiting.get(address);
      if (own === undefined) this.#waiting.set(address, [resolve]);
      else own.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#takeNext();
    });
  }

  #takeNext(): void {
    for (const [address, own] of this.#waiting) {
      // To the end of the line: a Map keeps the order of insertion.
      this.#waiting.delete(address);
      own.shift()?.();
      if (own.length > 0) this.#waiting.set(address, own);
      break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
