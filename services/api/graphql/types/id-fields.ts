import type { Contract } from "../../../../core/contract.ts";

/** Returns the resolvers of the fields that contracts derive from ids. */
export function idFieldResolvers(
  contracts: readonly Contract[],
): Record<string, Record<string, (source: { id: string }) => unknown>> {
  const types = contracts.flatMap(({ graphql }) => Object.entries(graphql?.fromId ?? {}));
  return Object.fromEntries(
    types.map(([type, fields]) => [
      type,
      Object.fromEntries(
        Object.entries(fields).map(([field, of]) => [field, ({ id }: { id: string }) => of(id)]),
      ),
    ]),
  );
}
