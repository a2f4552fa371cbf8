/** A call that is not begun while it is in progress: its callers share one result. */
export class SharedCall<Result> {
  readonly #call: () => Promise<Result>;
  #inProgress: Promise<Result> | undefined;

  constructor(call: () => Promise<Result>) {
    this.#call = call;
  }

  /** Begins the call, or waits for the one in progress. */
  get(): Promise<Result> {
    this.#inProgress ??= this.#call().finally(() => {
      this.#inProgress = undefined;
    });
    return this.#inProgress;
  }
}
