import type { EndedSessionIds } from "../../users/users.contract.ts";

/** Fetches a page of ids of ended sessions from the users service: the ids after `after`. */
export type FetchEnded = (after: string | undefined) => Promise<EndedSessionIds>;

/** The ended sessions that may still have unexpired access tokens. */
export class EndedSessions {
  readonly #fetchEnded: FetchEnded;
  #ids: Set<string> | undefined;
  #polling: Promise<void> | undefined;
  /** When the last successful poll began. */
  #polledAtMs = -Infinity;

  constructor(fetchEnded: FetchEnded) {
    this.#fetchEnded = fetchEnded;
  }

  /**
   * Returns whether a session has ended, as of the last poll. Waits for the first poll, and throws
   * its error.
   */
  async has(sessionId: string): Promise<boolean> {
    if (this.#ids === undefined) await this.poll();
    return this.#ids?.has(sessionId) ?? false;
  }

  /** Returns the state of a session; "unknown" if the last poll is older than `maxAgeMs`. */
  stateOf(sessionId: string, maxAgeMs: number): "live" | "ended" | "unknown" {
    if (this.#ids?.has(sessionId)) return "ended";
    return performance.now() - this.#polledAtMs > maxAgeMs ? "unknown" : "live";
  }

  /** Fetches all ids. The previous ids stay in use until the poll is complete. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => (this.#polling = undefined));
    return this.#polling;
  }

  async #poll(): Promise<void> {
    const begunAtMs = performance.now();
    const all = new Set<string>();
    let after: string | undefined;
    for (;;) {
      const { ids, more } = await this.#fetchEnded(after);
      for (const id of ids) all.add(id);
      after = ids.at(-1);
      if (!more) break;
    }
    this.#ids = all;
    this.#polledAtMs = begunAtMs;
  }
}
