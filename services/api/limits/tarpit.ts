import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";

/** Refusals in a window that are answered at once: a client that errs learns of it quickly. */
const freeRefusals = 50;
const windowMs = 10_000;
const delayMs = 500;
/** Answers that are held back at a time; what is beyond costs less to answer than to keep. */
const maxHeld = 2_000;
const maxCallers = 10_000;

/**
 * Holds the answers back of those who go on asking although they were told that it is too often.
 * Whoever waits for each answer before the next try, as most programs do, leaves the machine to
 * others meanwhile.
 */
export class Tarpit {
  readonly #refusals = new LRUCache<string, { count: number; sinceMs: number }>({
    max: maxCallers,
  });
  #held = 0;

  /** Waits as long as the refusal of this caller is to be held back. */
  async hold(caller: string): Promise<void> {
    const now = performance.now();
    let refusals = this.#refusals.get(caller);
    if (refusals === undefined || now - refusals.sinceMs > windowMs) {
      refusals = { count: 0, sinceMs: now };
      this.#refusals.set(caller, refusals);
    }
    refusals.count += 1;
    if (refusals.count <= freeRefusals || this.#held >= maxHeld) return;
    this.#held += 1;
    await sleep(delayMs, undefined, { ref: false });
    this.#held -= 1;
  }
}
