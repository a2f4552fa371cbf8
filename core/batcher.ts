/** How a crowd is served. */
export interface CrowdOptions {
  /** Items that are worked at together, at most. */
  maxItems: number;
  /** Batches under way at the same time, at most; meanwhile the next one grows. */
  maxBatches: number;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Does for many at once what each asks for on its own: what comes in one turn of the event loop,
 * and what comes while enough batches are under way, is one batch. Nobody waits where there is no
 * crowd.
 */
export class Crowd<Item, Result> {
  readonly #serve: (items: Item[]) => Promise<(Result | Error)[]>;
  readonly #options: CrowdOptions;
  #waiting: Waiting<Item, Result>[] = [];
  #batches = 0;
  #isScheduled = false;

  /**
   * @param serve gives a result for each item, in their order; an Error among them is that item's
   * alone, and one that is thrown is everybody's
   */
  constructor(serve: (items: Item[]) => Promise<(Result | Error)[]>, options: CrowdOptions) {
    this.#serve = serve;
    this.#options = options;
  }

  /** Waits for the result of one item. */
  join(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#batches >= this.#options.maxBatches) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#serveBatch();
    });
  }

  async #serveBatch(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#options.maxItems);
    this.#batches += 1;
    if (this.#waiting.length > 0) this.#schedule();
    try {
      const results = await this.#serve(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index] as Result | Error;
        if (result instanceof Error) reject(result);
        else resolve(result);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#batches -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}

/** A crowd of reads of rows: who asks for the same in the same batch shares it. */
export function sharedReads<Item, Row>(
  read: (item: Item) => Promise<Row[]>,
  options: CrowdOptions,
): Crowd<Item, Row[]> {
  return new Crowd(async (items) => {
    const results = new Map<string, Promise<Row[]>>();
    return Promise.all(
      items.map((item) => {
        const key = JSON.stringify(item);
        const result = results.get(key) ?? read(item);
        results.set(key, result);
        return result;
      }),
    );
  }, options);
}
