import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../../core/access.ts";
import type { Contract } from "../../../core/contract.ts";
import { Crowd } from "../../../core/batcher.ts";

/** Calls at a time: while they are under way, the next one gathers. */
const maxCalls = 4;

/** Lookups by id that are gathered over all requests, since everybody may make them. */
export class GatheredLookups {
  readonly #crowds = new Map<string, Crowd<string, unknown>>();

  /** @param broker who calls, once the gateway is there */
  constructor(contracts: readonly Contract[], broker: () => ServiceBroker) {
    for (const { name, actions } of contracts) {
      for (const { graphql } of Object.values(actions)) {
        if (graphql?.gatheredBy === undefined) continue;
        const { access, graphql: loader } = actions[graphql.gatheredBy] ?? {};
        const maxItems = loader?.dataLoaderOptions?.maxBatchSize;
        if (access !== "everyone" || maxItems === undefined) {
          throw new Error(`${name}.${graphql.gatheredBy} cannot gather lookups`);
        }
        const action = `${name}.${graphql.gatheredBy}`;
        const serve = (ids: string[]) =>
          broker().call<unknown[], { ids: string[] }>(action, { ids }, { caller: gatewayName });
        this.#crowds.set(action, new Crowd(serve, { maxItems, maxBatches: maxCalls }));
      }
    }
  }

  /** What a loader's lookups join; undefined where each request makes its own. */
  crowdOf(action: string): Crowd<string, unknown> | undefined {
    return this.#crowds.get(action);
  }
}
