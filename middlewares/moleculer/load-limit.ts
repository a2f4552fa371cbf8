/** With fewer calls in progress, a limit admits every call. */
const minCalls = 8;
/** Over this time, the limit measures how many calls it can answer. */
const windowMs = 1_000;

/**
 * Limits the calls in progress under overload, by Little's law: as many as can be answered in half
 * of a call's time. It limits only while the oldest call in progress has used more than half of its
 * time, so a burst that is answered in time is never limited. The last second is the measure of how
 * many calls can be answered, so the limit follows the speed of the machine and its database.
 *
 * Times are on the clock of `performance.now`. `startByMs` is the middle of a call's time.
 */
export class LoadLimit {
  readonly #startByMs = new Map<object, number>();
  #windowStartMs = 0;
  #answered = 0;
  #answeredBefore = 0;

  /** Returns false for a call that would exceed the limit. A call without a deadline never does. */
  admits(startByMs: number | undefined): boolean {
    if (startByMs === undefined || this.#startByMs.size < minCalls) return true;
    const nowMs = performance.now();
    const [oldestMs = Infinity] = this.#startByMs.values();
    if (nowMs <= oldestMs) return true;
    return this.#startByMs.size < this.#answeredPerMs(nowMs) * (startByMs - nowMs);
  }

  begin(call: object, startByMs = Infinity): void {
    this.#startByMs.set(call, startByMs);
  }

  /** @param isAnswered false for a call that was rejected in the queue or not answered in time */
  end(call: object, isAnswered: boolean): void {
    this.#startByMs.delete(call);
    if (!isAnswered) return;
    this.#roll(performance.now());
    this.#answered += 1;
  }

  #answeredPerMs(nowMs: number): number {
    this.#roll(nowMs);
    const ofBefore = 1 - (nowMs - this.#windowStartMs) / windowMs;
    return (this.#answered + this.#answeredBefore * ofBefore) / windowMs;
  }

  #roll(nowMs: number): void {
    const elapsedMs = nowMs - this.#windowStartMs;
    if (elapsedMs < windowMs) return;
    const isAdjacent = elapsedMs < 2 * windowMs;
    this.#answeredBefore = isAdjacent ? this.#answered : 0;
    this.#answered = 0;
    this.#windowStartMs = isAdjacent ? this.#windowStartMs + windowMs : nowMs;
  }
}
