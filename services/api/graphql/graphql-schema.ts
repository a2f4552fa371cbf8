import type { GraphQLSchema } from "graphql";
import apolloServer from "moleculer-apollo-server";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { GraphqlField } from "../../../core/contract.ts";
import { gatewayName } from "../../../core/access.ts";
import type { Batcher } from "../../../core/batcher.ts";
import { errorCatalogue } from "../../../core/errors.ts";
import { isId, maxListRows } from "../../../core/validation.ts";
import { connectionResolver, countCosts, countResolvers, pageInfoType } from "./connections.ts";
import type { EventStream } from "../subscriptions/event-stream.ts";
import { BatchedLookups } from "./batched-lookups.ts";
import type { GraphqlContext } from "./graphql-execution.ts";
import { QueryCosts } from "../limits/query-cost.ts";
import { subscriptionResolvers, type RevocationCheck } from "../subscriptions/subscriptions.ts";
import { contracts } from "../../registry.ts";

type Resolver = (
  root: unknown,
  args: Record<string, unknown>,
  context: GraphqlContext,
  info: { fieldName: string },
) => Promise<unknown>;

/** What moleculer-apollo-server's mixin gives a service, as far as it is used here. */
export interface Composer {
  generateGraphQLSchema(services: ComposedService[]): GraphQLSchema;
  buildLoaderOptionMap(services: ComposedService[]): void;
}

interface ComposedService {
  name: string;
  settings: { graphql: object };
  actions: Record<string, { name: string; graphql?: unknown }>;
}

/**
 * moleculer-apollo-server's mixin, as far as it is in use: its composition of the schema, and its
 * batching resolvers. Its Apollo Server 2 is not: that one is past its end of life and slow, and
 * rebuilds the schema from whoever is up. Neither are its route and its events.
 */
export function graphqlMixin(): Partial<ServiceSchema> {
  let broker: ServiceBroker | undefined;
  const lookups = new BatchedLookups(contracts, () => {
    if (broker === undefined) throw new Error("the gateway is not there yet");
    return broker;
  });
  const { methods } = apolloServer.ApolloService({
    serverOptions: { uploads: false, playground: false, subscriptions: false },
    createAction: false,
    autoUpdateSchema: false,
    checkActionVisibility: true,
    // Some of these are missing from the package's types.
  } as object) as Partial<ServiceSchema>;
  const createActionResolver = methods?.createActionResolver as unknown as (
    this: unknown,
    actionName: string,
    definition?: object,
  ) => Resolver;

  return {
    created(this: {
      broker: ServiceBroker;
      dataLoaderOptions: unknown;
      dataLoaderBatchParams: unknown;
    }) {
      broker = this.broker;
      this.dataLoaderOptions = new Map();
      this.dataLoaderBatchParams = new Map();
    },
    methods: {
      ...methods,
      /** The fields' `input` argument is the action's parameters. */
      prepareContextParams: (params: Record<string, unknown>) => params.input ?? params,
      createActionResolver(this: unknown, actionName: string, definition?: object): Resolver {
        const { rowsPerCall, mutation, batchedBy, countedBy } = fieldOf(actionName);
        const [service] = actionName.split(".");
        if (rowsPerCall !== undefined) return pagedResolver(actionName, rowsPerCall);
        if (countedBy !== undefined) {
          return connectionResolver(actionName, `${service}.${countedBy}`);
        }
        const resolver = createActionResolver.call(this, actionName, definition);
        const batcher = lookups.batcherOf(actionName);
        if (isJoin(definition)) {
          return unlessLoaded(
            batcher === undefined ? resolver : batchedJoinResolver(batcher, definition),
          );
        }
        if (batchedBy !== undefined) {
          return lookupResolver(lookups.batcherOf(`${service}.${batchedBy}`), resolver);
        }
        return mutation === undefined ? resolver : idempotentResolver(actionName, resolver);
      },
    },
  } as unknown as Partial<ServiceSchema>;
}

/**
 * The schema of all services, whoever of them is up: made from their contracts.
 *
 * @param stream where subscriptions get their events from
 * @param revocationOf who is told nothing more by them
 */
export function composeSchema(
  composer: Composer,
  stream: EventStream,
  publicReads: boolean,
  revocationOf: RevocationCheck,
): GraphQLSchema {
  const services = contracts.map(({ name, graphql, actions }) => ({
    name,
    settings: {
      graphql: {
        ...graphql,
        subscription: Object.values(graphql?.subscriptions ?? {}).map(({ field }) => field),
      },
    },
    actions: Object.fromEntries(
      Object.entries(actions).map(([key, action]) => {
        const fullName = `${name}.${key}`;
        return [fullName, { name: fullName, ...(action.graphql && { graphql: action.graphql }) }];
      }),
    ),
  }));
  const resolvers = {
    Subscription: subscriptionResolvers(contracts, stream, publicReads, revocationOf),
    ...countResolvers(contracts),
  };
  const graphql = { type: [errorCodes(), pageInfoType].join("\n"), resolvers };
  const own = { name: gatewayName, settings: { graphql }, actions: {} };
  composer.buildLoaderOptionMap(services);
  return composer.generateGraphQLSchema([...services, own]);
}

/** The types of all events that somebody can subscribe to. */
export function subscribedEvents(): string[] {
  const subscriptions = contracts.flatMap(({ graphql }) =>
    Object.values(graphql?.subscriptions ?? {}),
  );
  return [...new Set(subscriptions.map(({ event }) => event))];
}

const costOfMutation = 10;

/**
 * What operations on the composed schema cost. Throws where a list has no maximum, neither by an
 * argument for its rows nor by the `maxRows` of its join.
 */
export function queryCosts(schema: GraphQLSchema): QueryCosts {
  const costs = contracts.flatMap(({ actions }) =>
    Object.values(actions).flatMap(({ graphql }) => {
      const { query, mutation, cost = mutation === undefined ? 0 : costOfMutation } = graphql ?? {};
      const [type, field] = mutation === undefined ? ["Query", query] : ["Mutation", mutation];
      const [name] = /^\w+/.exec(field ?? "") ?? [];
      return name === undefined || cost === 0 ? [] : [[`${type}.${name}`, cost] as const];
    }),
  );
  const maxima = contracts.flatMap(({ graphql }) =>
    Object.entries(graphql?.resolvers ?? {}).flatMap(([type, fields]) =>
      Object.entries(fields).flatMap(([field, { maxRows }]) =>
        maxRows === undefined ? [] : [[`${type}.${field}`, maxRows] as const],
      ),
    ),
  );
  return new QueryCosts(schema, new Map([...costs, ...countCosts(contracts)]), new Map(maxima));
}

/** The error catalogue as a type, for clients that make code from the schema. */
function errorCodes(): string {
  const values = errorCatalogue().map(({ code, meaning }) => `"${meaning}"\n${code}`);
  return `"What \\"extensions.code\\" of an error can be"\nenum ErrorCode {\n${values.join("\n")}\n}`;
}

function fieldOf(actionName: string): GraphqlField {
  const [service, action = ""] = actionName.split(".");
  return contracts.find(({ name }) => name === service)?.actions[action]?.graphql ?? {};
}

/** Hands a mutation its key. A document's mutations run one after the other, so none meets another's. */
function idempotentResolver(actionName: string, resolver: Resolver): Resolver {
  return (root, args, context, info) => {
    const key = context.keys.next(actionName);
    if (key !== undefined) context.ctx.meta.idempotencyKey = key;
    return resolver(root, args, context, info);
  };
}

function isJoin(definition: object | undefined): definition is { rootParams: object } {
  return definition !== undefined && "rootParams" in definition;
}

/** What the parent holds already needs no lookup. */
function unlessLoaded(resolver: Resolver): Resolver {
  return async (root, args, context, info) => {
    const there = (root as Record<string, unknown>)[info.fieldName];
    return there === undefined ? resolver(root, args, context, info) : there;
  };
}

/** A join whose key is one that everybody may look up: with those of all other requests. */
function batchedJoinResolver(
  batcher: Batcher<string, unknown>,
  definition: { rootParams: object },
): Resolver {
  const [key = ""] = Object.keys(definition.rootParams);
  return async (root) => {
    const id = (root as Record<string, unknown>)[key];
    return typeof id === "string" ? batcher.add(id) : null;
  };
}

/** One thing by its id. What is not found, or is no id, is asked for on its own: that says why. */
function lookupResolver(
  batcher: Batcher<string, unknown> | undefined,
  resolver: Resolver,
): Resolver {
  return async (root, args, context, info) => {
    const { id } = args;
    if (batcher === undefined || !isId(id)) return resolver(root, args, context, info);
    const found = await batcher.add(id.toLowerCase());
    return found ?? resolver(root, args, context, info);
  };
}

/**
 * Gathers a long list by several calls: one answer over NATS may have 1 MB. Each call goes on behind
 * the last id, so that rows that are removed meanwhile move no other ones out of the answer.
 */
function pagedResolver(actionName: string, rowsPerCall: number): Resolver {
  return async (_root, args, { ctx }) => {
    const limit = Number(args.limit ?? maxListRows);
    const offset = Number(args.offset ?? 0);
    if (limit > maxListRows) return ctx.call(actionName, { limit, offset }); // refused there
    const rows: { id: string }[] = [];
    for (;;) {
      const asked = Math.min(rowsPerCall, limit - rows.length);
      const after = rows.at(-1)?.id;
      const start = after === undefined ? { offset } : { after };
      const page = await ctx.call<typeof rows, object>(actionName, { limit: asked, ...start });
      rows.push(...page);
      if (page.length < asked || rows.length >= limit) return rows;
    }
  };
}
