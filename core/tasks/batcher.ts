import { callerContext, inBatchSpan } from "../tracing/spans.ts";

export interface BatchOptions {
  maxItems: number;
  /** While this many batches are in flight, the next batch collects items. */
  maxBatchesInFlight: number;
}

interface Waiting<Item, Result> {
  item: Item;
  caller: ReturnType<typeof callerContext>;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Collects items and serves them in batches (group commit). A batch holds the items of one turn of
 * the event loop, and those that arrive while `maxBatchesInFlight` batches are in flight. A batch is
 * sent immediately when fewer batches are in flight.
 */
export class Batcher<Item, Result> {
  readonly #serveItems: (items: Item[]) => Promise<(Result | Error)[]>;
  readonly #options: BatchOptions;
  #waiting: Waiting<Item, Result>[] = [];
  #batches = 0;
  #isScheduled = false;

  /**
   * @param serve returns one result per item, in the order of the items; an Error among the results
   * rejects that item only, a thrown error rejects the whole batch
   */
  constructor(serve: (items: Item[]) => Promise<(Result | Error)[]>, options: BatchOptions) {
    this.#serveItems = serve;
    this.#options = options;
  }

  /** Adds an item to the next batch and returns its result. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, caller: callerContext(), resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#batches >= this.#options.maxBatchesInFlight) return;
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
      const callers = batch.map(({ caller }) => caller);
      const items = batch.map(({ item }) => item);
      const results = await inBatchSpan("batch", callers, () => this.#serveItems(items));
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

/**
 * Returns a batcher of reads. Equal items of a batch are read once and share one result, which must not
 * be changed.
 */
export function readBatcher<Item, Result>(
  read: (items: Item[]) => Promise<(Result | Error)[]>,
  options: BatchOptions,
): Batcher<Item, Result> {
  return new Batcher(async (items) => {
    const keys = items.map((item) => JSON.stringify(item));
    const itemByKey = new Map(keys.map((key, index) => [key, items[index] as Item]));
    const results = await read([...itemByKey.values()]);
    const resultByKey = new Map([...itemByKey.keys()].map((key, index) => [key, results[index]]));
    return keys.map((key) => resultByKey.get(key) as Result | Error);
  }, options);
}
