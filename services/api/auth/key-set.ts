import { createPublicKey, type KeyObject } from "node:crypto";
import type { PublicKey } from "../../users/users.contract.ts";

/** Fetches the key set from the users service. */
export type FetchKeys = () => Promise<{ keys: PublicKey[] }>;

/** Whoever sends forged key ids makes the keys be fetched, but not more often than this. */
const fetchEveryMs = 1_000;

/** The public keys that verify tokens, by their ids. */
export class KeySet {
  readonly #fetchKeys: FetchKeys;
  #keys = new Map<string, KeyObject>();
  /** A fetch that has not begun yet, so that it brings every key that there is by now. */
  #planned: Promise<void> | undefined;
  #begunAtMs = -Infinity;
  #fetches = 0;
  /** Which fetch the keys are from. */
  #newest = 0;

  constructor(fetchKeys: FetchKeys) {
    this.#fetchKeys = fetchKeys;
  }

  has(kid: string): boolean {
    return this.#keys.has(kid);
  }

  /**
   * The key of this id. One that is not known may be new: it is looked for by a fetch that begins
   * after this call. Throws what the fetch throws.
   */
  async find(kid: string): Promise<KeyObject | undefined> {
    const known = this.#keys.get(kid);
    if (known !== undefined) return known;
    await this.refresh();
    return this.#keys.get(kid);
  }

  /** Fetches the keys anew, together with all who ask for it before it begins. */
  refresh(): Promise<void> {
    this.#planned ??= this.#fetchInTurn();
    return this.#planned;
  }

  async #fetchInTurn(): Promise<void> {
    const waitMs = this.#begunAtMs + fetchEveryMs - performance.now();
    // Also when there is nothing to wait for: whoever asks in this moment is taken along.
    await new Promise((begin) => setTimeout(begin, Math.max(0, waitMs)));
    this.#planned = undefined;
    this.#begunAtMs = performance.now();
    this.#fetches += 1;
    const number = this.#fetches;
    const { keys } = await this.#fetchKeys();
    // An answer that was on its way for long must not take a newer one's keys away.
    if (number < this.#newest) return;
    this.#newest = number;
    this.#keys = new Map(
      keys.map((key) => [key.kid, createPublicKey({ key: { ...key }, format: "jwk" })]),
    );
  }
}
