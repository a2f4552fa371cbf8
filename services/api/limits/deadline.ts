import { serviceUnavailable } from "../../../core/errors.ts";

/**
 * The deadline of a request. It is aborted when the time is up or when the client disconnects. The
 * gateway then stops waiting for calls in flight and starts no further calls.
 */
export class Deadline {
  #isAborted = false;
  /** Made for the first race: most requests have none. */
  #pending: Set<(reason: Error) => void> | undefined;

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Rejects pending races with SERVICE_UNAVAILABLE. A call in flight may still take effect. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    for (const reject of this.#pending ?? []) {
      reject(serviceUnavailable("The request took too long and was aborted."));
    }
    this.#pending = undefined;
  }

  /** Resolves with the result of `work`, or rejects when the deadline is aborted first. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    const pending = (this.#pending ??= new Set());
    return new Promise((resolve, reject) => {
      pending.add(reject);
      work.then(
        (result) => {
          pending.delete(reject);
          resolve(result);
        },
        (error: unknown) => {
          pending.delete(reject);
          // The errors of services pass unchanged.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
        },
      );
    });
  }
}
