import {
  assertAccess,
  isPublic,
  mayActForOthers,
  type Access,
  type Actor,
  type Viewer,
} from "../../../core/access.ts";
import type { Contract, SubscriptionField } from "../../../core/contract.ts";
import { badUserInput } from "../../../core/errors.ts";
import { isId } from "../../../core/validation.ts";
import type { EventStream, StreamedEvent } from "./event-stream.ts";
import type { GraphqlContext } from "../graphql/graphql-execution.ts";

type Data = Record<string, unknown>;

/** The resolver of a field of type Subscription. */
interface SubscriptionResolver {
  subscribe: (root: unknown, args: Data, context: GraphqlContext) => AsyncIterable<unknown>;
  resolve: (data: Data, args: Data, context: GraphqlContext) => unknown;
}

/** Returns the error that ends the subscription of a viewer whose access was revoked. */
type RevocationCheck = (viewer: Viewer) => Error | undefined;

/** What the resolvers of subscriptions need from the gateway. */
export interface SubscriptionOptions {
  stream: EventStream;
  publicReads: boolean;
  revocationOf: RevocationCheck;
}

/** Makes the resolvers of the subscriptions that contracts declare. */
export function subscriptionResolvers(
  contracts: readonly Contract[],
  options: SubscriptionOptions,
): Record<string, SubscriptionResolver> {
  const resolvers = contracts.flatMap((contract) =>
    Object.entries(contract.graphql?.subscriptions ?? {}).map(([name, subscription]) => {
      const versionOf = (type: string) => contract.events[type]?.version;
      return [name, resolverOf(subscription, versionOf, options)] as const;
    }),
  );
  return Object.fromEntries(resolvers);
}

function resolverOf(
  subscription: SubscriptionField,
  versionOf: (type: string) => number | undefined,
  options: SubscriptionOptions,
): SubscriptionResolver {
  const { events: types, access, owner, load } = subscription;
  const { publicReads } = options;
  return {
    subscribe(_root, args, { actor }) {
      assertAccess(access, actor, publicReads);
      const ids = idsIn(args);
      const seesAll = isPublic(access, publicReads) || mayActForOthers(actor);
      const ownerKey = seesAll ? undefined : owner;
      const accepts = (event: StreamedEvent) => {
        const data = event.data as Data;
        if (event.version !== versionOf(event.type) || !matches(data, ids)) return false;
        return ownerKey === undefined || (actor.kind === "user" && data[ownerKey] === actor.id);
      };
      return revocableEvents(types, accepts, access, actor, options);
    },
    resolve(data, _args, { ctx, dataLoaders }) {
      // Rows that were loaded for the previous event are stale.
      dataLoaders.clear();
      if (load === undefined) return data;
      return ctx.call(load.action, { [load.parameter]: data[load.from] });
    },
  };
}

/**
 * Returns the events that `accepts` accepts, until the actor's session ends. Throws the reason if it
 * has ended already. The caller has checked the access rule.
 */
export function revocableEvents(
  types: readonly string[],
  accepts: (event: StreamedEvent) => boolean,
  access: Access | undefined,
  actor: Actor,
  { stream, publicReads, revocationOf }: SubscriptionOptions,
): AsyncIterableIterator<unknown> {
  const isIrrevocable = actor.kind === "operator" || isPublic(access, publicReads);
  const revocation = () => (isIrrevocable ? undefined : revocationOf(actor));
  const error = revocation();
  if (error !== undefined) throw error;
  return stream.events(types, accepts, revocation);
}

/** Returns the arguments that are not null. Throws BAD_USER_INPUT if one is not an id. */
function idsIn(args: Data): [string, string][] {
  const present = Object.entries(args).filter(([, id]) => id !== null && id !== undefined);
  const invalid = present.filter(([, id]) => !isId(id));
  if (invalid.length > 0) {
    throw badUserInput(
      invalid.map(([field]) => ({ field, message: `'${field}' must be an id (a UUID).` })),
    );
  }
  return present.map(([field, id]) => [field, String(id).toLowerCase()]);
}

function matches(data: Data, ids: [string, string][]): boolean {
  return ids.every(([field, id]) => data[field] === id);
}
