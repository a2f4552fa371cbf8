/**
 * Does a piece of work now and then, never twice at the same time: every `everyMs` when nothing
 * goes on, and soon after `soon()`. What fails is reported, and tried again at its next time.
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

  /** Begins, unless it was stopped before: a service may be stopped while it is still starting. */
  start(): void {
    if (this.#isStopped) return;
    this.#timer = setInterval(() => {
      this.trigger();
    }, this.#everyMs);
    this.trigger();
  }

  /** Finishes what it is at. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Starts at once; calls that come while it works are gathered into one more round. */
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
    // At once, and not a promise's step later: a call in between would be lost.
    this.#running = undefined;
  }
}
