import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../../core/access.ts";
import type { Contract } from "../../../core/contract.ts";
import { Batcher } from "../../../core/batcher.ts";

/** Calls at a time: while they are under way, the next one gathers. */
const maxCalls = 4;

/** Lookups by id that are gathered over all requests, since everybody may make them. */
export class BatchedLookups {
  readonly #batchers = new Map<string, Batcher<string, unknown>>();

  constructor(contracts: readonly Contract[], broker: ServiceBroker) {
    for (const { name, actions } of contracts) {
      for (const { graphql } of Object.values(actions)) {
        if (graphql?.batchedBy === undefined) continue;
        const { access, graphql: loader } = actions[graphql.batchedBy] ?? {};
        const maxItems = loader?.dataLoaderOptions?.maxBatchSize;
        if (access !== "everyone" || maxItems === undefined) {
          throw new Error(`${name}.${graphql.batchedBy} cannot gather lookups`);
        }
        const action = `${name}.${graphql.batchedBy}`;
        const serve = (ids: string[]) =>
          broker.call<unknown[], { ids: string[] }>(action, { ids }, { caller: gatewayName });
        this.#batchers.set(action, new Batcher(serve, { maxItems, maxBatchesInFlight: maxCalls }));
      }
    }
  }

  /** What a loader's lookups join; undefined where each request makes its own. */
  batcherOf(action: string): Batcher<string, unknown> | undefined {
    return this.#batchers.get(action);
  }
}
