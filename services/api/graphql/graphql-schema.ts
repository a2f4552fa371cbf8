import type { GraphQLSchema } from "graphql";
import apolloServer from "moleculer-apollo-server";
import type { ServiceBroker } from "moleculer";
import type { GraphqlField } from "../../../core/contract.ts";
import { gatewayName } from "../../../core/access.ts";
import type { Batcher } from "../../../core/batcher.ts";
import { errorCatalogue } from "../../../core/errors.ts";
import { isId, maxListRows } from "../../../core/validation.ts";
import { connectionResolver, countCosts, countResolvers, pageInfoType } from "./connections.ts";
import { BatchedLookups } from "./batched-lookups.ts";
import type { Resolver } from "./graphql-execution.ts";
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

/** What the composition needs of the gateway. */
export interface ComposerOptions extends SubscriptionOptions {
  broker: ServiceBroker;
}

/**
 * Composes the gateway's schema by moleculer-apollo-server, whose batching resolvers it uses too.
 * The base schema is made from the contracts of the registry, whether their services run or not.
 * The gateway has its own server and its own execution: `stubs/apollo-server-core` stands in for
 * Apollo Server 2, which is past its end of life, and throws where it is started.
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

  /** Composes the base schema and discovered services. Throws an Error if they do not fit. */
  compose(discovered: readonly DiscoveredService[]): GraphQLSchema {
    this.#discoveredActions = new Map(
      discovered.flatMap(({ actions }) => Object.values(actions).map((one) => [one.name, one])),
    );
    const services = [...baseServices(), ...discovered];
    const resolvers = {
      Subscription: subscriptionResolvers(contracts, this.#options),
      ...countResolvers(contracts),
    };
    const graphql = { type: [errorCodes(), pageInfoType].join("\n"), resolvers };
    this.#methods.buildLoaderOptionMap(services);
    try {
      return this.#methods.generateGraphQLSchema([
        ...services,
        { name: gatewayName, settings: { graphql }, actions: {} },
      ]);
    } catch (error) {
      // moleculer-apollo-server wraps the reason.
      const { err } = (error as { data?: { err?: unknown } }).data ?? {};
      throw err ?? error;
    }
  }

  #apolloMethods(): ApolloMethods {
    const mixin: unknown = apolloServer.ApolloService({ checkActionVisibility: true });
    const { methods } = mixin as { methods: ApolloMethods };
    const composer = {
      ...methods,
      dataLoaderOptions: new Map(),
      dataLoaderBatchParams: new Map(),
      /** The `input` argument of a field of the base schema is the action's parameters. */
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

  /** Gives the resolver of an action's field, made from moleculer-apollo-server's `resolver`. */
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

/** The services of the registry, in the form that moleculer-apollo-server composes. */
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

/** The types of all events that somebody can subscribe to. */
export function subscribedEvents(): string[] {
  const subscriptions = contracts.flatMap(({ graphql }) =>
    Object.values(graphql?.subscriptions ?? {}),
  );
  return [...new Set(subscriptions.map(({ event }) => event))];
}

const costOfMutation = 10;

/**
 * Gives the costs of operations on a composed schema. Throws if a list of the base schema has no
 * maximum, neither by an argument for its rows nor by the `maxRows` of its join. Lists of discovered
 * services count like any list without a `limit`.
 */
export function queryCosts(schema: GraphQLSchema, base = schema): QueryCosts {
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
  const fieldCosts = new Map([...costs, ...countCosts(contracts), ...mutationCosts(schema, base)]);
  return new QueryCosts(schema, fieldCosts, new Map([...discoveredLists(schema, base), ...maxima]));
}

/** The error catalogue as a type, for clients that make code from the schema. */
function errorCodes(): string {
  const values = errorCatalogue().map(({ code, meaning }) => `"${meaning}"\n${code}`);
  return `"What \\"extensions.code\\" of an error can be"\nenum ErrorCode {\n${values.join("\n")}\n}`;
}

/** The mutations of discovered services. */
function mutationCosts(schema: GraphQLSchema, base: GraphQLSchema): [string, number][] {
  const known = base.getMutationType()?.getFields() ?? {};
  return Object.keys(schema.getMutationType()?.getFields() ?? {})
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => [`Mutation.${name}`, costOfMutation]);
}

/** The lists of discovered services that take no `limit`. */
function discoveredLists(schema: GraphQLSchema, base: GraphQLSchema): [string, number][] {
  const known = new Set(unboundedLists(base, new Map()));
  return unboundedLists(schema, new Map())
    .filter((list) => !known.has(list))
    .map((list) => [list, maxListRows]);
}

/** How a base action appears in GraphQL; undefined for an action of a discovered service. */
function fieldOf(actionName: string): GraphqlField | undefined {
  const [service, action = ""] = actionName.split(".");
  const contract = contracts.find(({ name }) => name === service);
  return contract && (contract.actions[action]?.graphql ?? {});
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
