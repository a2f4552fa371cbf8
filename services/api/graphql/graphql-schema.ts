import type { GraphQLSchema } from "graphql";
import apolloServer from "moleculer-apollo-server";
import type { ServiceBroker } from "moleculer";
import type { GraphqlField } from "../../../core/contract.ts";
import { gatewayName } from "../../../core/access.ts";
import type { Batcher } from "../../../core/tasks/batcher.ts";
import { isId, maxListRows } from "../../../core/validation.ts";
import { connectionResolver, countCosts, countResolvers } from "./connections.ts";
import { BatchedLookups } from "./batched-lookups.ts";
import { parseField } from "./field-declaration.ts";
import type { Resolver } from "./graphql-execution.ts";
import { connectRenamedNames } from "./renamed-names.ts";
import { gatewayTypes } from "./types/gateway-types.ts";
import { dateTime } from "./types/date-time.ts";
import { idFieldResolvers } from "./types/id-fields.ts";
import { nodeCosts, nodeLists, nodeResolvers } from "./types/nodes.ts";
import { admitUnknownValues } from "./types/open-enums.ts";
import { uuid } from "./types/uuid.ts";
import { QueryCosts, unboundedLists } from "../limits/query-cost.ts";
import { subscriptionResolvers, type SubscriptionOptions } from "../subscriptions/subscriptions.ts";
import {
  discoveredSubscription,
  guardedResolver,
  type DiscoveredService,
} from "./discovered-services.ts";
import { contracts } from "../../registry.ts";

/** The methods of moleculer-apollo-server's mixin that are used here. */
interface ApolloMethods {
  generateGraphQLSchema(services: object[]): GraphQLSchema;
  buildLoaderOptionMap(services: object[]): void;
  createActionResolver(actionName: string, definition?: object): Resolver;
}

/** What the composer needs from the gateway. */
export interface ComposerOptions extends SubscriptionOptions {
  broker: ServiceBroker;
}

/**
 * Composes the gateway's schema with moleculer-apollo-server, and uses its batching resolvers. The
 * base schema comes from the contracts of the registry, whether their services run or not. The
 * gateway has its own server and execution: `stubs/apollo-server-core` replaces Apollo Server 2,
 * which is past its end of life, and throws if it is started.
 */
export class SchemaComposer {
  readonly #options: ComposerOptions;
  readonly #lookups: BatchedLookups;
  readonly #methods: ApolloMethods;
  #discoveredActions = new Map<string, DiscoveredService["actions"][string]>();

  constructor(options: ComposerOptions) {
    this.#options = options;
    this.#lookups = new BatchedLookups(contracts, options.broker);
    this.#methods = this.#apolloMethods();
  }

  /** Composes the base schema and discovered services. Throws an Error if they collide. */
  compose(discovered: readonly DiscoveredService[]): GraphQLSchema {
    this.#discoveredActions = new Map(
      discovered.flatMap(({ actions }) => Object.values(actions).map((one) => [one.name, one])),
    );
    const services = [...baseServices(), ...discovered];
    const resolvers = {
      Subscription: subscriptionResolvers(contracts, this.#options),
      ...countResolvers(contracts),
      ...idFieldResolvers(contracts),
      ...nodeResolvers(contracts, this.#options.publicReads),
    };
    const graphql = { type: gatewayTypes(), resolvers };
    this.#methods.buildLoaderOptionMap(services);
    try {
      const schema = this.#methods.generateGraphQLSchema([
        ...services,
        { name: gatewayName, settings: { graphql }, actions: {} },
      ]);
      admitUnknownValues(schema);
      connectRenamedNames(schema);
      return describeRootTypes(schema);
    } catch (error) {
      // moleculer-apollo-server wraps the reason.
      const { err } = (error as { data?: { err?: unknown } }).data ?? {};
      throw err ?? error;
    }
  }

  #apolloMethods(): ApolloMethods {
    const mixin: unknown = apolloServer.ApolloService({
      checkActionVisibility: true,
      resolvers: { [dateTime.name]: dateTime, [uuid.name]: uuid },
    });
    const { methods } = mixin as { methods: ApolloMethods };
    const composer = {
      ...methods,
      dataLoaderOptions: new Map(),
      dataLoaderBatchParams: new Map(),
      /** The `input` argument of a base schema field holds the action's parameters. */
      prepareContextParams: (params: Record<string, unknown>, actionName: string) =>
        fieldOf(actionName) === undefined ? params : (params.input ?? params),
      createActionResolver: (actionName: string, definition?: object) => {
        const resolver = methods.createActionResolver.call(composer, actionName, definition);
        return this.#resolverOf(actionName, definition, resolver);
      },
      createAsyncIteratorResolver: (actionName: string, tags?: string[], filter?: string) => {
        const action = this.#discoveredActions.get(actionName) ?? { name: actionName };
        return discoveredSubscription(action, this.#options, tags, filter);
      },
    };
    return composer;
  }

  /** Returns the resolver of an action's field, based on moleculer-apollo-server's `resolver`. */
  #resolverOf(actionName: string, definition: object | undefined, resolver: Resolver): Resolver {
    const field = fieldOf(actionName);
    if (field === undefined) {
      const action = this.#discoveredActions.get(actionName);
      return guardedResolver(action, this.#options, resolver);
    }
    const { rowsPerCall, mutation, batchedBy, countedBy } = field;
    const [service] = actionName.split(".");
    if (rowsPerCall !== undefined) return pagedResolver(actionName, rowsPerCall);
    if (countedBy !== undefined) return connectionResolver(actionName, `${service}.${countedBy}`);
    if (isJoin(definition)) {
      const batcher = this.#lookups.batcherOf(actionName);
      return unlessLoaded(
        batcher === undefined ? resolver : batchedJoinResolver(batcher, definition),
      );
    }
    if (batchedBy !== undefined) {
      return lookupResolver(this.#lookups.batcherOf(`${service}.${batchedBy}`), resolver);
    }
    return mutation === undefined ? resolver : idempotentResolver(actionName, resolver);
  }
}

/** Returns the services of the registry in the form that moleculer-apollo-server composes. */
function baseServices(): object[] {
  return contracts.map(({ name, graphql, actions }) => ({
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
}

/**
 * Returns the types of all events of the producers with subscriptions. Gateways need all of them, so
 * that the positions have no gap.
 */
export function followedEvents(): string[] {
  const producers = contracts.filter(({ graphql }) => graphql?.subscriptions !== undefined);
  return producers.flatMap(({ events }) => Object.keys(events));
}

/** moleculer-apollo-server declares the root types without descriptions. */
const rootDescriptions = {
  Query: `
Reads data. The setting PUBLIC_READS=true lets everyone read users and orders.

Each field can fail with SERVICE_UNAVAILABLE or INTERNAL_SERVER_ERROR, and each request with
QUERY_TOO_COMPLEX or TOO_MANY_REQUESTS.`,
  Mutation: `
Changes data. The mutations of a document run one after the other.

With the HTTP header Idempotency-Key, a mutation can be sent again after a lost answer: it takes
effect once, and the same answer is returned for 24 hours. Errors of the key: IDEMPOTENCY_MISMATCH,
IDEMPOTENCY_IN_PROGRESS. The errors of Query apply, too.`,
  Subscription: `
Sends events over WebSocket (protocol graphql-transport-ws) and as Server-Sent Events (protocol
graphql-sse, distinct connections mode).

After a lost connection, a subscription with the last cursor as argument after continues behind it, and
no event is missing or repeated.`,
};

function describeRootTypes(schema: GraphQLSchema): GraphQLSchema {
  for (const [name, description] of Object.entries(rootDescriptions)) {
    const type = schema.getType(name);
    if (type !== undefined) type.description = description.trim();
  }
  return schema;
}

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
  return [...costs, ...nodeCosts, ...countCosts(contracts), ...mutationCosts(schema, base)];
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
  const lists = [...discoveredLists(schema, base), ...nodeLists, ...maxima];
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

/** Returns the GraphQL options of a base action; undefined for a discovered action. */
function fieldOf(actionName: string): GraphqlField | undefined {
  const [service, action = ""] = actionName.split(".");
  const contract = contracts.find(({ name }) => name === service);
  return contract && (contract.actions[action]?.graphql ?? {});
}

/** Sets a mutation's idempotency key in the shared `meta`: mutations of a document run serially. */
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

/** Skips the lookup if the parent object already has the value. */
function unlessLoaded(resolver: Resolver): Resolver {
  return async (root, args, context, info) => {
    const loaded = (root as Record<string, unknown>)[info.fieldName];
    return loaded === undefined ? resolver(root, args, context, info) : loaded;
  };
}

/** Makes the resolver of a join that is batched across requests. */
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

/** Looks up one row by id. For an invalid or unknown id, the action itself returns the error. */
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
 * Reads a long list with several calls: a NATS message is limited to 1 MB. Each call continues
 * after the last id, so that no row is skipped if other rows are deleted between calls.
 */
function pagedResolver(actionName: string, rowsPerCall: number): Resolver {
  return async (_root, args, { ctx }) => {
    const limit = Number(args.limit ?? maxListRows);
    const offset = Number(args.offset ?? 0);
    if (limit > maxListRows) return ctx.call(actionName, { limit, offset }); // rejected there
    const rows: { id: string }[] = [];
    for (;;) {
      const pageRows = Math.min(rowsPerCall, limit - rows.length);
      const after = rows.at(-1)?.id;
      const start = after === undefined ? { offset } : { after };
      const page = await ctx.call<typeof rows, object>(actionName, { limit: pageRows, ...start });
      rows.push(...page);
      if (page.length < pageRows || rows.length >= limit) return rows;
    }
  };
}
