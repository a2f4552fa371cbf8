import { inProgress, type IdempotentRequest } from "../database/idempotency.ts";
import { lockTimeoutMs } from "../database/sequelize.ts";

/**
 * The idempotent requests that run on this node. A duplicate waits here for the answer of the first
 * one: it takes no connection of the database, and no turn of the password hashes, which the first one
 * may be waiting for.
 */
export class RequestsInProgress {
  readonly #answers = new Map<string, Promise<unknown>>();

  /** Notes a request until it is answered. */
  add(request: IdempotentRequest, answer: Promise<unknown>): void {
    const key = keyOf(request);
    this.#answers.set(key, answer);
    const remove = () => {
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
    };
    answer.then(remove, remove);
  }

  /**
   * Returns the answer of the same request in progress; undefined if there is none. It rejects with
   * IDEMPOTENCY_IN_PROGRESS after the time that a duplicate on another node waits for the key's row.
   */
  answerOf(request: IdempotentRequest): Promise<unknown> | undefined {
    const answer = this.#answers.get(keyOf(request));
    if (answer === undefined) return undefined;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(inProgress());
      }, lockTimeoutMs);
      void answer.then(resolve, reject).finally(() => {
        clearTimeout(timer);
      });
    });
  }
}

/** Requests with one key and different inputs do not wait for each other: one of them fails at once. */
function keyOf({ id, fingerprint }: IdempotentRequest): string {
  return id.toString("base64") + fingerprint.toString("base64");
}
