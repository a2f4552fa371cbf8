import type { IdempotencyKey } from "../../../core/access.ts";

/**
 * The keys of one request's mutations, made of its `Idempotency-Key` header. The first of an action
 * gets the key as it is, each further one its number beside it: the same document again has the same.
 */
export class IdempotencyKeys {
  readonly #header: string | undefined;
  readonly #counts = new Map<string, number>();

  constructor(header: string | string[] | undefined) {
    // Several are none: with a space between them, no service takes them for one.
    this.#header = Array.isArray(header) ? header.join(", ") : header;
  }

  /** The key of the next call of this action; undefined where the request has none. */
  next(actionName: string): IdempotencyKey | undefined {
    if (this.#header === undefined) return undefined;
    const earlier = this.#counts.get(actionName) ?? 0;
    this.#counts.set(actionName, earlier + 1);
    return earlier === 0 ? this.#header : [this.#header, earlier + 1];
  }
}
