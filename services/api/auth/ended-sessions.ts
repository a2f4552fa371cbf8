import type { EndedSessionIds } from "../../users/users.contract.ts";

/** Fetches ids of ended sessions from the users service: those behind `after`. */
export type FetchEnded = (after: string | undefined) => Promise<EndedSessionIds>;

/** The sessions that have ended, of which there may still be access tokens. */
export class EndedSessions {
  readonly #fetchEnded: FetchEnded;
  #ids: Set<string> | undefined;
  #polling: Promise<void> | undefined;
  /** When the poll began that the ids are from. */
  #knownAtMs = -Infinity;

  constructor(fetchEnded: FetchEnded) {
    this.#fetchEnded = fetchEnded;
  }

  /**
   * Tells whether a session has ended, as the last poll knew it. Waits for the first one, and
   * throws what that throws: without it, nobody could say.
   */
  async has(sessionId: string): Promise<boolean> {
    if (this.#ids === undefined) await this.poll();
    return this.#ids?.has(sessionId) ?? false;
  }

  /** Whether a session goes on: "unknown" where the last poll was longer ago than that. */
  stateOf(sessionId: string, maxAgeMs: number): "live" | "ended" | "unknown" {
    if (this.#ids?.has(sessionId)) return "ended";
    return performance.now() - this.#knownAtMs > maxAgeMs ? "unknown" : "live";
  }

  /** Fetches all ids; until it has them, those known before stay. */
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
    this.#knownAtMs = begunAtMs;
  }
}
