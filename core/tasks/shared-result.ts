/** A result that several callers share for a time. */
export class SharedResult<Result> {
  readonly #maxAgeMs: number;
  readonly #collect: () => Promise<Result>;
  #begunMs = -Infinity;
  #result: Promise<Result> | undefined;

  constructor(maxAgeMs: number, collect: () => Promise<Result>) {
    this.#maxAgeMs = maxAgeMs;
    this.#collect = collect;
  }

  get(): Promise<Result> {
    if (this.#result === undefined || performance.now() - this.#begunMs > this.#maxAgeMs) {
      this.#begunMs = performance.now();
      this.#result = this.#collect();
    }
    return this.#result;
  }
}
