import {
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  parse,
  type DefinitionNode,
  type GraphQLSchema,
} from "graphql";
import { Errors, type ServiceBroker } from "moleculer";
import { assertAccess, type Access } from "../../../../core/access.ts";
import { ClientError } from "../../../../core/errors.ts";
import { clientErrorOf } from "../../../../core/validation.ts";
import { serviceNames } from "../../../registry.ts";
import { revocableEvents, type SubscriptionOptions } from "../../subscriptions/subscriptions.ts";
import type { Resolver } from "../graphql-operation.ts";

/** `settings.graphql` as moleculer-apollo-server documents it. */
type ServiceGraphql = Partial<Record<DeclarationKey, string | string[]>> & {
  resolvers?: Record<string, Record<string, unknown>>;
};
type DeclarationKey = (typeof rootKeys)[number] | (typeof typeKeys)[number];

const rootKeys = ["query", "mutation", "subscription"] as const;
const typeKeys = ["type", "interface", "union", "enum", "input"] as const;
const rootTypes = { query: "Query", mutation: "Mutation", subscription: "Subscription" } as const;

interface DiscoveredAction {
  name: string;
  access?: Access;
  visibility?: string;
  graphql?: Partial<Record<DeclarationKey, string | string[]>>;
}

/** A service outside the registry that declares GraphQL types or fields. */
export interface DiscoveredService {
  fullName: string;
  settings: { graphql?: ServiceGraphql };
  actions: Record<string, DiscoveredAction>;
}

/**
 * Returns the services of all nodes that declare GraphQL and are not in this project's registry,
 * sorted by name.
 */
export function findServices({ registry }: ServiceBroker): DiscoveredService[] {
  const options = { withActions: true, skipInternal: true, onlyAvailable: true };
  const found = registry.getServiceList(options) as unknown as (DiscoveredService & {
    name: string;
  })[];
  const registered = new Set<string>(serviceNames);
  const services = found.filter(
    ({ name, settings, actions }) =>
      !registered.has(name) &&
      (settings.graphql !== undefined ||
        Object.values(actions).some(({ graphql }) => graphql !== undefined)),
  );
  const byName = new Map(services.map((service) => [service.fullName, service]));
  return [...byName.values()].sort((a, b) => (a.fullName < b.fullName ? -1 : 1));
}

/**
 * Throws an Error if a service declares a type, a field or a resolver that the schema already has.
 * A service may add fields to a type of the schema (`extend type Product { … }`).
 */
export function assertNoCollision(schema: GraphQLSchema, service: DiscoveredService): void {
  const fieldsOf = (name: string): object | undefined => {
    const type = schema.getType(name);
    if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
      return type.getFields();
    }
    return type && {};
  };
  const reject = (name: string) => {
    throw new Error(`the schema already has ${name}`);
  };
  for (const definition of definitionsOf(service)) {
    const { name, isExtension, fields } = definition;
    const existing = fieldsOf(name);
    if (existing === undefined) continue;
    if (!isExtension) reject(`the type ${name}`);
    for (const field of fields) if (Object.hasOwn(existing, field)) reject(`${name}.${field}`);
  }
  for (const [type, fields] of Object.entries(service.settings.graphql?.resolvers ?? {})) {
    const existing = fieldsOf(type) ?? {};
    for (const field of Object.keys(fields)) {
      if (Object.hasOwn(existing, field)) reject(`a resolver for ${type}.${field}`);
    }
  }
}

interface Definition {
  name: string;
  isExtension: boolean;
  fields: string[];
}

/** Returns the types that a service declares or extends. Its root fields extend the root types. */
function definitionsOf({ settings, actions }: DiscoveredService): Definition[] {
  const declarations = [settings.graphql ?? {}, ...Object.values(actions).map(graphqlOf)];
  return declarations.flatMap((declaration) => {
    const types = typeKeys.flatMap((key) => listOf(declaration[key]));
    const roots = rootKeys.flatMap((key) => {
      const fields = listOf(declaration[key]);
      return fields.length === 0 ? [] : [`extend type ${rootTypes[key]} { ${fields.join("\n")} }`];
    });
    const sdl = [...types, ...roots].join("\n");
    return sdl.trim() === "" ? [] : parse(sdl).definitions.flatMap(definitionOf);
  });
}

function definitionOf(node: DefinitionNode): Definition[] {
  if (!isTypeDefinitionNode(node) && !isTypeExtensionNode(node)) return [];
  const fields = "fields" in node ? (node.fields ?? []).map((field) => field.name.value) : [];
  return [{ name: node.name.value, isExtension: isTypeExtensionNode(node), fields }];
}

function graphqlOf({ graphql }: DiscoveredAction): ServiceGraphql {
  return graphql ?? {};
}

function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : [value].flat();
}

/** Makes a resolver enforce the `access` of its action. It rejects if `access` is missing. */
export function guardedResolver(
  action: DiscoveredAction | undefined,
  { publicReads }: SubscriptionOptions,
  resolver: Resolver,
): Resolver {
  return async (root, args, context, info) => {
    assertAccess(action?.access, context.actor, publicReads);
    return withExpectedErrors(resolver(root, args, context, info));
  };
}

/**
 * Makes the resolver of a discovered subscription. It delivers what any node broadcasts as
 * `graphql.publish` with one of the `tags`, if the action `filter` returns true for the payload.
 */
export function discoveredSubscription(
  action: DiscoveredAction,
  options: SubscriptionOptions,
  tags: readonly string[] = [],
  filter?: string,
) {
  type Subscribed = [Record<string, unknown>, Parameters<Resolver>[2]];
  return {
    subscribe(_root: unknown, ...[args, { actor, ctx }]: Subscribed) {
      assertAccess(action.access, actor, options.publicReads);
      const payloads = revocableEvents(tags, action.access, actor, options);
      if (filter === undefined) return payloads;
      return filtered(payloads, (payload) => ctx.call(filter, { ...args, payload }));
    },
    resolve: (payload: unknown, ...[args, { ctx }]: Subscribed) =>
      withExpectedErrors(ctx.call(action.name, { ...args, payload })),
  };
}

/** Passes on the values that `accepts`. A generator cannot be ended while it waits. */
function filtered(
  values: AsyncIterableIterator<unknown>,
  accepts: (value: unknown) => Promise<unknown>,
): AsyncIterableIterator<unknown> {
  return {
    async next() {
      for (;;) {
        const result = await values.next();
        if (result.done === true || (await accepts(result.value)) === true) return result;
      }
    },
    return: async () => values.return?.() ?? { done: true, value: undefined },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function withExpectedErrors(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    throw expectedError(error);
  }
}

/** Converts a MoleculerClientError of a discovered service to a ClientError with the same code. */
function expectedError(error: unknown): unknown {
  if (!(error instanceof Errors.MoleculerError)) return error;
  if (error instanceof Errors.ValidationError) return clientErrorOf(error);
  const isExpected = error.name === "MoleculerClientError" && /^[A-Z][A-Z0-9_]*$/.test(error.type);
  if (!isExpected) return error;
  const { type: code, code: status, message } = error;
  return new ClientError({ code, status, meaning: message }, message);
}
