const checkEveryMs = 500;

/** Something that may take a limited time. */
export interface TimeLimited {
  /** Called when the time is up. */
  abort: () => void;
}

/** Aborts what takes too long: requests, bodies and unread responses, with one timer for all. */
export class TimeLimits {
  readonly #endsAtMs = new Map<TimeLimited, number>();
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setInterval(() => {
      this.abortOverdue(performance.now());
    }, checkEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Sets the limit to a time from now, or replaces it. */
  set(limited: TimeLimited, limitMs: number): void {
    this.#endsAtMs.set(limited, performance.now() + limitMs);
  }

  clear(limited: TimeLimited): void {
    this.#endsAtMs.delete(limited);
  }

  abortOverdue(now: number): void {
    for (const [limited, endsAtMs] of this.#endsAtMs) {
      if (endsAtMs > now) continue;
      this.#endsAtMs.delete(limited);
      limited.abort();
    }
  }
}
