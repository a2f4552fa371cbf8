import type { IdempotencyKey } from "../../../core/access.ts";

/**
 * Derives the keys of a request's mutations from its `Idempotency-Key` header. The first call of an
 * action gets the header, each further call the header and a number. A retry gets the same keys.
 */
export class IdempotencyKeys {
  readonly #header: string | undefined;
  readonly #counts = new Map<string, number>();

  constructor(header: string | string[] | undefined) {
    // Services reject a key with a space, and so a request with several headers.
    this.#header = Array.isArray(header) ? header.join(", ") : header;
  }

  /** Returns the key of the next call of an action; undefined if the request has no header. */
  next(actionName: string): IdempotencyKey | undefined {
    if (this.#header === undefined) return undefined;
    const earlier = this.#counts.get(actionName) ?? 0;
    this.#counts.set(actionName, earlier + 1);
    return earlier === 0 ? this.#header : [this.#header, earlier + 1];
  }
}
