import type { Contract } from "../../../core/contract.ts";
import { timeOfId } from "../../../core/ids.ts";

/** Returns the resolvers of the fields `createdAt` that contracts derive from ids. */
export function createdAtResolvers(contracts: readonly Contract[]): Record<string, object> {
  const types = contracts.flatMap(({ graphql }) => graphql?.createdAtFromId ?? []);
  return Object.fromEntries(
    types.map((type) => [type, { createdAt: ({ id }: { id: string }) => timeOfId(id) }]),
  );
}
