import type { Access } from "../access.ts";
import { action, type ActionContract } from "../contract.ts";
import { ids } from "../validation.ts";

/**
 * Declares an action that returns a value for each id, in the order of the ids. GraphQL's joins call it.
 *
 * @param maxBatchSize the most ids of one call, so that its result stays below NATS's 1 MB
 */
export function loader<Value>(
  maxBatchSize: number,
  access: Access,
): ActionContract<{ ids: string[] }, Value[]> {
  return action<{ ids: string[] }, Value[]>({
    params: { ids: ids(maxBatchSize) },
    access,
    graphql: { dataLoaderOptions: { maxBatchSize } },
  });
}
