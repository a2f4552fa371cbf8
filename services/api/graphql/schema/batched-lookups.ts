import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../../../core/access.ts";
import type { Contract } from "../../../../core/contract.ts";
import { Batcher } from "../../../../core/tasks/batcher.ts";
import { maxListRows, type ListPage } from "../../../../core/validation.ts";
import { sizeOf } from "../../limits/rows-in-flight.ts";
import { SharedList, type ListReader } from "./shared-list.ts";

/** Batches in flight of each action. Further lookups join the next batch: large ones cost less. */
const maxCalls = 2;

type Rows = { id: string }[];

/** Reads a part of a list, when the gateway has room for its rows. */
export type ReadList = (params: ListPage, reader: ListReader) => Promise<Rows>;

/** Batches lookups by id, and equal lists, across requests. These actions are open to everyone. */
export class BatchedLookups {
  readonly #broker: ServiceBroker;
  readonly #batchers = new Map<string, Batcher<string, unknown>>();
  readonly #lists = new Map<string, ReadList>();

  constructor(contracts: readonly Contract[], broker: ServiceBroker) {
    this.#broker = broker;
    for (const { name, actions } of contracts) {
      for (const [key, { access, graphql }] of Object.entries(actions)) {
        if (access === "everyone" && graphql?.rowsPerCall !== undefined) {
          this.#lists.set(`${name}.${key}`, this.#sharedList(`${name}.${key}`));
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

  #sharedList(action: string): ReadList {
    const lists = new Map<string, { list: SharedList<Rows>; requests: number }>();
    const open = (params: ListPage) => ({
      list: new SharedList(sizeOf(params.limit ?? maxListRows, params.offset ?? 0), () =>
        this.#call<Rows>(action, params),
      ),
      requests: 0,
    });
    return async (params, reader) => {
      const key = JSON.stringify(params);
      const shared = lists.get(key) ?? open(params);
      lists.set(key, shared);
      shared.requests += 1;
      try {
        return await shared.list.read(reader);
      } finally {
        shared.requests -= 1;
        if (shared.requests === 0) lists.delete(key);
      }
    };
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
    return this.#lists.get(action);
  }
}
