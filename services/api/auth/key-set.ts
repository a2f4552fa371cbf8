import { createPublicKey, type KeyObject } from "node:crypto";
import type { PublicKey } from "../../users/users.contract.ts";

/** Fetches the key set from the users service. */
export type FetchKeys = () => Promise<{ keys: PublicKey[] }>;

/** Limits the fetches that forged key ids can cause. */
const fetchEveryMs = 1_000;

/** The public keys that verify tokens, by key id. */
export class KeySet {
  readonly #fetchKeys: FetchKeys;
  #keys = new Map<string, KeyObject>();
  /** A fetch that has not begun yet, so that it returns every key that exists now. */
  #planned: Promise<void> | undefined;
  #begunAtMs = -Infinity;
  #fetches = 0;
  /** The number of the fetch that returned the keys. */
  #newest = 0;

  constructor(fetchKeys: FetchKeys) {
    this.#fetchKeys = fetchKeys;
  }

  has(kid: string): boolean {
    return this.#keys.has(kid);
  }

  /**
   * Returns the key with an id. An unknown key may be new: it is looked up with a fetch that begins
   * after this call. Throws the error of the fetch.
   */
  async find(kid: string): Promise<KeyObject | undefined> {
    const key = this.#keys.get(kid);
    if (key !== undefined) return key;
    await this.refresh();
    return this.#keys.get(kid);
  }

  /** Fetches the keys. Calls before the fetch begins share it. */
  refresh(): Promise<void> {
    this.#planned ??= this.#fetchInTurn();
    return this.#planned;
  }

  async #fetchInTurn(): Promise<void> {
    const waitMs = this.#begunAtMs + fetchEveryMs - performance.now();
    // Also with a delay of 0: calls in this turn of the event loop share the fetch.
    await new Promise((begin) => setTimeout(begin, Math.max(0, waitMs)));
    this.#planned = undefined;
    this.#begunAtMs = performance.now();
    this.#fetches += 1;
    const number = this.#fetches;
    const { keys } = await this.#fetchKeys();
    // A slow response must not replace the keys of a newer fetch.
    if (number < this.#newest) return;
    this.#newest = number;
    this.#keys = new Map(
      keys.map((key) => [key.kid, createPublicKey({ key: { ...key }, format: "jwk" })]),
    );
  }
}
