import { serviceUnavailable } from "../../../core/errors.ts";
import { maxExecutionMs } from "./request-limits.ts";

/** How often the timer looks for deadlines that have passed. */
const checkEveryMs = 500;

/**
 * The deadline of a request. It is aborted when the time is up or when the client disconnects. The
 * gateway then stops waiting for calls in flight and starts no further ones.
 */
export class Deadline {
  #isAborted = false;
  readonly #waiting = new Set<(reason: Error) => void>();

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Rejects everything that waits with SERVICE_UNAVAILABLE: a call in flight may still take effect. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    for (const reject of this.#waiting) {
      reject(serviceUnavailable("The request took too long and was aborted."));
    }
    this.#waiting.clear();
  }

  /** Gives the result of `work`, or rejects when the deadline is aborted first. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(
        (result) => {
          this.#waiting.delete(reject);
          resolve(result);
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          // Most reasons are errors of services, which pass unchanged.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
        },
      );
    });
  }
}

/** Aborts deadlines that have passed, with one timer for all of them. */
export class DeadlineTimer {
  readonly #watched = new Map<Deadline, number>();
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setInterval(() => {
      this.#abortExpired();
    }, checkEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Starts the time of a deadline. */
  add(deadline: Deadline): void {
    this.#watched.set(deadline, performance.now() + maxExecutionMs);
  }

  done(deadline: Deadline): void {
    this.#watched.delete(deadline);
  }

  #abortExpired(): void {
    const now = performance.now();
    // A Map keeps the order of insertion, which is the order in which the deadlines pass.
    for (const [deadline, endsAtMs] of this.#watched) {
      if (endsAtMs > now) return;
      this.#watched.delete(deadline);
      deadline.abort();
    }
  }
}
