import { assertAccess, mayActForOthers, type Viewer } from "../../../core/access.ts";
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
      const version = contract.events[subscription.event]?.version;
      return [name, resolverOf(subscription, version, options)] as const;
    }),
  );
  return Object.fromEntries(resolvers);
}

function resolverOf(
  subscription: SubscriptionField,
  version: number | undefined,
  { stream, publicReads, revocationOf }: SubscriptionOptions,
): SubscriptionResolver {
  const { event: type, access, owner, load } = subscription;
  return {
    subscribe(_root, args, { actor }) {
      assertAccess(access, actor, publicReads);
      const ids = idsIn(args);
      const isOpen = access === "everyone" || (publicReads && typeof access === "object");
      const ownerKey =
        owner !== undefined && !isOpen && !mayActForOthers(actor) ? owner : undefined;
      const isIrrevocable = isOpen || actor.kind === "operator";
      const revocation = () => (isIrrevocable ? undefined : revocationOf(actor));
      const error = revocation();
      if (error !== undefined) throw error;
      const accepts = (event: StreamedEvent) => {
        const data = event.data as Data;
        if (event.version !== version || !matches(data, ids)) return false;
        return ownerKey === undefined || (actor.kind === "user" && data[ownerKey] === actor.id);
      };
      return stream.events([type], accepts, revocation);
    },
    resolve(data, _args, { ctx, dataLoaders }) {
      // Rows that were loaded for the previous event are stale.
      dataLoaders.clear();
      if (load === undefined) return data;
      return ctx.call(load.action, { [load.parameter]: data[load.from] });
    },
  };
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
