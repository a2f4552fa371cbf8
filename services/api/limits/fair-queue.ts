/**
 * Schedules CPU-heavy work of clients round-robin by address: one task for each turn of the event
 * loop. A flood from one address delays its own work. It delays each task of another address by at
 * most one task.
 */
export class FairQueue {
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;

  /** Resolves when this address may run a task. Tasks of one address keep their order. */
  turn(address: string): Promise<void> {
    return new Promise((resolve) => {
      const tasks = this.#waiting.get(address);
      if (tasks === undefined) this.#waiting.set(address, [resolve]);
      else tasks.push(resolve);
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
    for (const [address, tasks] of this.#waiting) {
      // A Map keeps the order of insertion: this moves the address to the end of the queue.
      this.#waiting.delete(address);
      tasks.shift()?.();
      if (tasks.length > 0) this.#waiting.set(address, tasks);
      break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
