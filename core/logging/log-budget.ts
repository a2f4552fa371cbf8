/**
 * Limits the lines of a log, so that a flood of failures does not become a flood of lines. Lines
 * beyond the limit are counted, and their number is reported at the end of the second.
 */
export class LogBudget {
  readonly #perSecond: number;
  readonly #onLeftOut: (lines: number) => void;
  #endsAtMs = 0;
  #written = 0;
  #leftOut = 0;
  #report: NodeJS.Timeout | undefined;

  constructor(perSecond: number, onLeftOut: (lines: number) => void) {
    this.#perSecond = perSecond;
    this.#onLeftOut = onLeftOut;
  }

  /** Returns whether another line may be written. */
  take(): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#endsAtMs) {
      this.#endsAtMs = nowMs + 1_000;
      this.#written = 0;
    }
    if (this.#written < this.#perSecond) {
      this.#written += 1;
      return true;
    }
    this.#leftOut += 1;
    this.#report ??= setTimeout(() => {
      this.end();
    }, this.#endsAtMs - nowMs).unref();
    return false;
  }

  /** Reports the number of lines that were left out and are not reported yet. */
  end(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    if (this.#leftOut > 0) this.#onLeftOut(this.#leftOut);
    this.#leftOut = 0;
  }
}
