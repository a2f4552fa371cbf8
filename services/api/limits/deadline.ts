import { ClientError, serviceUnavailable, type ErrorDefinition } from "../../../core/errors.ts";

/**
 * The code of a request whose client has disconnected, for metrics and logs. The status is that of
 * nginx. It is not in the catalogue, because no client receives it.
 */
export const clientClosedRequest: ErrorDefinition = {
  code: "CLIENT_CLOSED_REQUEST",
  status: 499,
  meaning: "The client disconnected before the response.",
};

/** The error of what a request waits for when its client disconnects. It is no fault of the shop. */
export function clientClosed(): ClientError {
  return new ClientError(clientClosedRequest, clientClosedRequest.meaning);
}

/**
 * The deadline of a request. It is aborted when the time is up or when the client disconnects. The
 * gateway then stops waiting for calls in flight and starts no further calls.
 */
export class Deadline {
  #endedBy: "time" | "client" | undefined;
  /** Made for the first race: most requests have none. */
  #pending: Set<(reason: Error) => void> | undefined;

  get isAborted(): boolean {
    return this.#endedBy !== undefined;
  }

  /** Whether the client disconnected before the time was up. */
  get isDisconnected(): boolean {
    return this.#endedBy === "client";
  }

  /**
   * Ends the request because its time is up: rejects pending races with SERVICE_UNAVAILABLE. A call in
   * flight may still take effect.
   */
  abort(): void {
    this.#end("time", () => serviceUnavailable("The request took too long and was aborted."));
  }

  /** Ends the request because its client has disconnected: nobody gets the error of pending races. */
  disconnect(): void {
    this.#end("client", clientClosed);
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

  #end(by: "time" | "client", reason: () => Error): void {
    if (this.isAborted) return;
    this.#endedBy = by;
    for (const reject of this.#pending ?? []) reject(reason());
    this.#pending = undefined;
  }
}
