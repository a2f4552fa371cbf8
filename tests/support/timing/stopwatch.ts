const tickMs = 5;

/**
 * Measures time in timer ticks of this process. A late tick counts as one, so that the time in which a
 * busy machine runs no process does not count.
 */
export class Stopwatch {
  #ticks = 0;
  readonly #timer = setInterval(() => (this.#ticks += 1), tickMs).unref();

  /** Stops the stopwatch. Returns the milliseconds. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#ticks * tickMs;
  }
}
