import { isObjectType, validateSchema, type GraphQLSchema } from "graphql";
import type { ServiceBroker } from "moleculer";
import apolloServer from "moleculer-apollo-server";
import { gatewayName } from "../../../../core/access.ts";
import type { GraphqlField } from "../../../../core/graphql/graphql-options.ts";
import { contracts } from "../../../registry.ts";
import type { QueryCosts } from "../../limits/query-cost.ts";
import {
  subscriptionResolvers,
  type SubscriptionOptions,
} from "../../subscriptions/subscriptions.ts";
import { preferProperty } from "../engine/property-fields.ts";
import type { Resolver } from "../graphql-operation.ts";
import { operationsResolvers } from "../../operations/operations-fields.ts";
import { dateTime } from "../types/date-time.ts";
import { gatewayTypes } from "../types/gateway-types.ts";
import { idFieldResolvers } from "../types/id-fields.ts";
import { nodeResolvers } from "../types/nodes.ts";
import { admitUnknownValues } from "../types/open-enums.ts";
import { uuid } from "../types/uuid.ts";
import {
  idempotentResolver,
  isJoin,
  unlessLoaded,
  batchedJoinResolver,
  lookupResolver,
  pagedResolver,
  resolverWithUserAgent,
} from "./action-resolvers.ts";
import { BatchedLookups } from "./batched-lookups.ts";
import { connectionResolver, countResolvers } from "./connections.ts";
import {
  discoveredSubscription,
  guardedResolver,
  type DiscoveredService,
} from "./discovered-services.ts";
import { queryCosts } from "./field-costs.ts";
import { connectRenamedNames } from "./renamed-names.ts";
import { schemaErrorOf } from "./schema-error.ts";

/** The methods of moleculer-apollo-server's mixin that are used here. */
interface ApolloMethods {
  generateGraphQLSchema(services: object[]): GraphQLSchema;
  buildLoaderOptionMap(services: object[]): void;
  createActionResolver(actionName: string, definition?: object): Resolver;
}

/** What the composer needs from the gateway. */
export interface ComposerOptions extends SubscriptionOptions {
  broker: ServiceBroker;
  /** Whether the fields that show and repair the cluster work. */
  hasConsole: boolean;
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
    const nodes = nodeResolvers(contracts, this.#options.publicReads);
    const operations = operationsResolvers(this.#options);
    const resolvers = {
      ...countResolvers(contracts),
      ...idFieldResolvers(contracts),
      ...operations,
      Query: { ...nodes.Query, ...operations.Query },
      Subscription: {
        ...subscriptionResolvers(contracts, this.#options),
        ...operations.Subscription,
      },
    };
    const graphql = { type: gatewayTypes(), resolvers };
    this.#methods.buildLoaderOptionMap(services);
    try {
      const schema = this.#methods.generateGraphQLSchema([
        ...services,
        { name: gatewayName, settings: { graphql }, actions: {} },
      ]);
      admitUnknownValues(schema);
      preferLoadedJoins(schema);
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
    const { rowsPerCall, includes, mutation, batchedBy, countedBy, takesUserAgent } = field;
    const [service] = actionName.split(".");
    if (rowsPerCall !== undefined) {
      const paging = { rowsPerCall, ...(includes && { includes }) };
      return pagedResolver(actionName, paging, this.#lookups.listOf(actionName));
    }
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
    if (mutation === undefined) return resolver;
    const keyed = idempotentResolver(actionName, resolver);
    return takesUserAgent === true ? resolverWithUserAgent(keyed) : keyed;
  }
}

/** Composes the schema of the registry's services. Throws SchemaError. */
export function composeBase(composer: SchemaComposer): {
  schema: GraphQLSchema;
  costs: QueryCosts;
} {
  try {
    const schema = composer.compose([]);
    const [fault] = validateSchema(schema);
    if (fault !== undefined) throw fault;
    return { schema, costs: queryCosts(schema) };
  } catch (cause) {
    throw schemaErrorOf(cause as Error);
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

/** The joins of the registry's services have the resolver `unlessLoaded`. */
function preferLoadedJoins(schema: GraphQLSchema): void {
  for (const { graphql } of contracts) {
    for (const [name, joins] of Object.entries(graphql?.resolvers ?? {})) {
      const type = schema.getType(name);
      if (!isObjectType(type)) continue;
      const fields = type.getFields();
      for (const join of Object.keys(joins)) {
        if (fields[join] !== undefined) preferProperty(fields[join]);
      }
    }
  }
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

/** Returns the GraphQL options of a base action; undefined for a discovered action. */
function fieldOf(actionName: string): GraphqlField | undefined {
  const [service, action = ""] = actionName.split(".");
  const contract = contracts.find(({ name }) => name === service);
  return contract && (contract.actions[action]?.graphql ?? {});
}
