const tickMs = 5;

/**
 * Measures how long something is waited for, as this process lives it: it counts its own turns, and
 * one that comes late counts like one in time. What a busy machine, or one that stood still, takes
 * from all processes alike is no time of the one that is waited for.
 */
export class Stopwatch {
  #ticks = 0;
  readonly #timer = setInterval(() => (this.#ticks += 1), tickMs).unref();

  /** Stops it, and gives what it shows. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#ticks * tickMs;
  }
}
