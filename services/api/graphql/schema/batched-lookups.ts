import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../../../core/access.ts";
import type { Contract } from "../../../../core/contract.ts";
import { Batcher } from "../../../../core/tasks/batcher.ts";

/** Batches in flight of each action. Further lookups join the next batch. */
const maxCalls = 4;

/** Batches lookups by id across requests. The batched actions are open to everyone. */
export class BatchedLookups {
  readonly #batchers = new Map<string, Batcher<string, unknown>>();

  constructor(contracts: readonly Contract[], broker: ServiceBroker) {
    for (const { name, actions } of contracts) {
      for (const { graphql } of Object.values(actions)) {
        if (graphql?.batchedBy === undefined) continue;
        const { access, graphql: loader } = actions[graphql.batchedBy] ?? {};
        const maxItems = loader?.dataLoaderOptions?.maxBatchSize;
        if (access !== "everyone" || maxItems === undefined) {
          throw new Error(`${name}.${graphql.batchedBy} needs access "everyone" and maxBatchSize`);
        }
        const action = `${name}.${graphql.batchedBy}`;
        const serve = (ids: string[]) =>
          broker.call<unknown[], { ids: string[] }>(action, { ids }, { caller: gatewayName });
        this.#batchers.set(action, new Batcher(serve, { maxItems, maxBatchesInFlight: maxCalls }));
      }
    }
  }

  /** Returns the batcher of an action; undefined if each request calls the action itself. */
  batcherOf(action: string): Batcher<string, unknown> | undefined {
    return this.#batchers.get(action);
  }
}
