import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../../../core/access.ts";
import type { Contract } from "../../../../core/contract.ts";
import { Batcher, readBatcher } from "../../../../core/tasks/batcher.ts";

/** Batches in flight of each action. Further lookups join the next batch: large ones cost less. */
const maxCalls = 2;
/** A batch of lists takes as long as its slowest list. */
const listBatches = { maxItems: 100, maxBatchesInFlight: 3 };

type Rows = { id: string }[];

/** Reads a part of a list. */
export type ReadList = (params: object) => Promise<Rows>;

/** Batches lookups by id, and equal lists, across requests. These actions are open to everyone. */
export class BatchedLookups {
  readonly #broker: ServiceBroker;
  readonly #batchers = new Map<string, Batcher<string, unknown>>();
  readonly #lists = new Map<string, Batcher<object, Rows>>();

  constructor(contracts: readonly Contract[], broker: ServiceBroker) {
    this.#broker = broker;
    for (const { name, actions } of contracts) {
      for (const [key, { access, graphql }] of Object.entries(actions)) {
        if (access === "everyone" && graphql?.rowsPerCall !== undefined) {
          this.#addList(`${name}.${key}`);
        }
        if (graphql?.batchedBy === undefined) continue;
        const { access: batchAccess, graphql: loader } = actions[graphql.batchedBy] ?? {};
        const maxItems = loader?.dataLoaderOptions?.maxBatchSize;
        if (batchAccess !== "everyone" || maxItems === undefined) {
          throw new Error(`${name}.${graphql.batchedBy} needs access "everyone" and maxBatchSize`);
        }
        this.#addLookup(`${name}.${graphql.batchedBy}`, maxItems);
      }
    }
  }

  #addLookup(action: string, maxItems: number): void {
    const serve = (ids: string[]) => this.#call<unknown[]>(action, { ids });
    this.#batchers.set(action, new Batcher(serve, { maxItems, maxBatchesInFlight: maxCalls }));
  }

  #addList(action: string): void {
    const read = (params: object) =>
      // Must not fail the other lists of its batch.
      this.#call<Rows>(action, params).catch((error: unknown) => error as Error);
    const readAll = (lists: object[]) => Promise.all(lists.map(read));
    this.#lists.set(action, readBatcher(readAll, listBatches));
  }

  #call<Result>(action: string, params: object): Promise<Result> {
    return this.#broker.call<Result, object>(action, params, { caller: gatewayName });
  }

  /** Returns the batcher of an action; undefined if each request calls the action itself. */
  batcherOf(action: string): Batcher<string, unknown> | undefined {
    return this.#batchers.get(action);
  }

  /** Returns the reader of a list that is the same for everyone; undefined for other lists. */
  listOf(action: string): ReadList | undefined {
    const batcher = this.#lists.get(action);
    return batcher && ((params) => batcher.add(params));
  }
}
