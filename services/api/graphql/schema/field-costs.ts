import type { GraphQLSchema } from "graphql";
import { maxListRows } from "../../../../core/validation.ts";
import { contracts } from "../../../registry.ts";
import { QueryCosts, unboundedLists } from "../../limits/query-cost.ts";
import { operationsCosts, operationsLists } from "../../operations/operations-fields.ts";
import { nodeCosts, nodeLists } from "../types/nodes.ts";
import { countCosts } from "./connections.ts";
import { parseField } from "./field-declaration.ts";

const costOfMutation = 10;

/** Returns the costs of the work behind fields, by `Type.field`. */
export function pricedFields(schema: GraphQLSchema, base = schema): [string, number][] {
  const actions = contracts.flatMap((contract) => Object.values(contract.actions));
  const costs = actions.flatMap(({ graphql }): [string, number][] => {
    const { query, mutation, cost = mutation === undefined ? 0 : costOfMutation } = graphql ?? {};
    const [type, field] = mutation === undefined ? ["Query", query] : ["Mutation", mutation];
    if (field === undefined || cost === 0) return [];
    return [[`${type}.${parseField(field).name.value}`, cost]];
  });
  return [
    ...costs,
    ...nodeCosts,
    ...operationsCosts,
    ...countCosts(contracts),
    ...mutationCosts(schema, base),
  ];
}

/**
 * Returns the costs of operations on a composed schema. Throws an Error if a list of the base
 * schema has no maximum: it needs a `limit` or `first` argument, `maxRows` of its join, or an entry
 * in `listMaxima`. For lists of discovered services, the default maximum is `maxListRows`.
 */
export function queryCosts(schema: GraphQLSchema, base = schema): QueryCosts {
  const maxima = contracts.flatMap(({ graphql }) => [
    ...Object.entries(graphql?.listMaxima ?? {}),
    ...Object.entries(graphql?.resolvers ?? {}).flatMap(([type, fields]) =>
      Object.entries(fields).flatMap(([field, { maxRows }]) =>
        maxRows === undefined ? [] : [[`${type}.${field}`, maxRows] as const],
      ),
    ),
  ]);
  const items = contracts.flatMap(({ actions }) =>
    Object.values(actions).flatMap(({ graphql }) => {
      if (graphql?.mutation === undefined || graphql.items === undefined) return [];
      return [[`Mutation.${parseField(graphql.mutation).name.value}`, graphql.items] as const];
    }),
  );
  const lists = [...discoveredLists(schema, base), ...nodeLists, ...operationsLists, ...maxima];
  return new QueryCosts(
    schema,
    new Map(pricedFields(schema, base)),
    new Map(lists),
    new Map(items),
  );
}

/** Returns the costs of the mutations of discovered services. */
function mutationCosts(schema: GraphQLSchema, base: GraphQLSchema): [string, number][] {
  const baseFields = base.getMutationType()?.getFields() ?? {};
  return Object.keys(schema.getMutationType()?.getFields() ?? {})
    .filter((name) => !Object.hasOwn(baseFields, name))
    .map((name) => [`Mutation.${name}`, costOfMutation]);
}

/** Returns the maximum length of the lists of discovered services that take no `limit`. */
function discoveredLists(schema: GraphQLSchema, base: GraphQLSchema): [string, number][] {
  const baseLists = new Set(unboundedLists(base, new Map()));
  return unboundedLists(schema, new Map())
    .filter((list) => !baseLists.has(list))
    .map((list) => [list, maxListRows]);
}
