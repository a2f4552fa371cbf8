import { setImmediate } from "node:timers/promises";
import { callerContext, inBatchSpan } from "../../../../core/tracing/spans.ts";
import type { ListSize } from "../../limits/rows-in-flight.ts";
import type { GraphqlContext } from "../graphql-operation.ts";

/** While this many calls for a list are in flight, the next one collects requests. */
const maxCalls = 3;
const maxRequestsPerCall = 100;

/** A request that reads a list. */
export type ListReader = Pick<GraphqlContext, "addressGroup" | "readRows" | "isOver">;

interface Waiting<Rows> {
  reader: ListReader;
  caller: ReturnType<typeof callerContext>;
  resolve: (rows: Rows) => void;
  reject: (error: unknown) => void;
}

/**
 * A list that is the same for everyone. Requests that wait for it share a call. Each address waits
 * for room of its own, and the first one that gets it reads for all: none waits for another's turn.
 */
export class SharedList<Rows> {
  readonly #size: ListSize;
  readonly #call: () => Promise<Rows>;
  #waiting: Waiting<Rows>[] = [];
  /** The addresses that wait for room. */
  readonly #asked = new Set<string>();
  #calls = 0;

  /** @param call reads the list, which has this size */
  constructor(size: ListSize, call: () => Promise<Rows>) {
    this.#size = size;
    this.#call = call;
  }

  /** Reads the list. The rows are shared, and must not be changed. */
  read(reader: ListReader): Promise<Rows> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ reader, caller: callerContext(), resolve, reject });
      this.#askForRoom();
    });
  }

  #askForRoom(): void {
    if (this.#calls >= maxCalls) return;
    for (const { reader } of this.#waiting) {
      const { addressGroup, readRows } = reader;
      if (this.#asked.has(addressGroup)) continue;
      this.#asked.add(addressGroup);
      void readRows(this.#size, async () => {
        // Requests of the same turn of the event loop share a call.
        await setImmediate();
        this.#asked.delete(addressGroup);
        await this.#readForWaiting();
      });
    }
  }

  async #readForWaiting(): Promise<void> {
    const batch = this.#waiting.splice(0, maxRequestsPerCall);
    if (batch.length === 0) return;
    this.#calls += 1;
    this.#askForRoom();
    try {
      // Nobody gets this error.
      if (batch.every(({ reader }) => reader.isOver()))
        throw new Error("no request needs the list");
      const callers = batch.map(({ caller }) => caller);
      const rows = await inBatchSpan("batch", callers, this.#call);
      for (const { resolve } of batch) resolve(rows);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#calls -= 1;
      this.#askForRoom();
    }
  }
}
