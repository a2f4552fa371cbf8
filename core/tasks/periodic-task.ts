/**
 * Runs work every `everyMs` and after each `trigger()`. Runs never overlap. A failed run is
 * reported, and the next run tries again.
 */
export class PeriodicTask {
  readonly #everyMs: number;
  readonly #work: () => Promise<void>;
  readonly #onFault: (fault: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #isStopped = false;

  constructor(everyMs: number, work: () => Promise<void>, onFault: (fault: unknown) => void) {
    this.#everyMs = everyMs;
    this.#work = work;
    this.#onFault = onFault;
  }

  /** Starts, unless it was stopped before: Moleculer may stop a service that is still starting. */
  start(): void {
    if (this.#isStopped) return;
    this.#timer = setInterval(() => {
      this.trigger();
    }, this.#everyMs);
    this.trigger();
  }

  /** Waits for the current run and starts no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Runs the work immediately. Triggers during a run lead to one further run. */
  trigger(): void {
    this.#again = true;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#work();
      } catch (fault) {
        this.#onFault(fault);
      }
    }
    // Must happen in the same tick as the loop's check: a trigger in between would be lost.
    this.#running = undefined;
  }
}
