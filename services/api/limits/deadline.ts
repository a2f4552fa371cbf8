import { serviceUnavailable } from "../../../core/errors.ts";
import { maxExecutionMs } from "./request-limits.ts";

/** How often it is looked whose time is up. */
const lookEveryMs = 500;

/**
 * Whether there is still somebody to answer to. When the time of a request is up or its sender has
 * gone, what is under way is not waited for any more, and nothing further is begun.
 */
export class Patience {
  #isOver = false;
  readonly #waiting = new Set<(reason: Error) => void>();

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives up: whoever waits is told SERVICE_UNAVAILABLE, since what they wait for may take effect. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const reject of this.#waiting) {
      reject(serviceUnavailable("This took too long, and was given up."));
    }
    this.#waiting.clear();
  }

  /** Waits for work, as long as there is patience. */
  while<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(
        (result) => {
          this.#waiting.delete(reject);
          resolve(result);
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          // As it is: most are refusals of services.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
        },
      );
    });
  }
}

/** Ends patiences whose time is up, with one timer for all of them. */
export class PatienceWatch {
  readonly #watched = new Map<Patience, number>();
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setInterval(() => {
      this.#look();
    }, lookEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** From now on its time runs. */
  add(patience: Patience): void {
    this.#watched.set(patience, performance.now() + maxExecutionMs);
  }

  done(patience: Patience): void {
    this.#watched.delete(patience);
  }

  #look(): void {
    const now = performance.now();
    // In the order in which they began, and so in which they end.
    for (const [patience, endsAtMs] of this.#watched) {
      if (endsAtMs > now) return;
      this.#watched.delete(patience);
      patience.end();
    }
  }
}
