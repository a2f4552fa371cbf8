import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { atMost } from "./at-most.ts";

/** Rejections in a window that are sent without delay: a client with a bug learns of it quickly. */
const undelayedRejections = 50;
const windowMs = 10_000;
const delayMs = 500;
/** Responses delayed at a time. Beyond, sending a response costs less than holding it. */
const maxHeld = 2_000;
const maxCallers = 10_000;

/**
 * Delays the responses to callers that keep sending requests after TOO_MANY_REQUESTS. Most clients
 * wait for a response before the next request, so that the delay slows them down.
 */
export class Tarpit {
  readonly #rejections = new LRUCache<string, { count: number; sinceMs: number }>(
    atMost(maxCallers),
  );
  #held = 0;

  /** Waits as long as a rejection of this caller is delayed. */
  async hold(caller: string): Promise<void> {
    const now = performance.now();
    let rejections = this.#rejections.get(caller);
    if (rejections === undefined || now - rejections.sinceMs > windowMs) {
      rejections = { count: 0, sinceMs: now };
      this.#rejections.set(caller, rejections);
    }
    rejections.count += 1;
    if (rejections.count <= undelayedRejections || this.#held >= maxHeld) return;
    this.#held += 1;
    await sleep(delayMs, undefined, { ref: false });
    this.#held -= 1;
  }
}
