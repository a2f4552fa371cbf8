import {
  assertAccess,
  isPublic,
  mayActForOthers,
  unauthenticated,
  userIdOf,
  type Access,
  type Actor,
} from "../../../core/access.ts";
import type { Contract } from "../../../core/contract.ts";
import type { SubscriptionField } from "../../../core/graphql/graphql-options.ts";
import { badUserInput } from "../../../core/errors.ts";
import { isId } from "../../../core/validation.ts";
import type { TagSubscriptions } from "./tag-subscriptions.ts";
import type { DeliveredEvent, LogSubscription } from "./log/log-subscription.ts";
import type { LogTails } from "./log/log-tails.ts";
import { revocationCheck, type RevocationOptions } from "./revocation.ts";
import type { GraphqlContext } from "../graphql/graphql-operation.ts";

type Data = Record<string, unknown>;

/** The resolver of a field of type Subscription. */
interface SubscriptionResolver {
  subscribe: (root: unknown, args: Data, context: GraphqlContext) => Promise<LogSubscription>;
  resolve: (event: DeliveredEvent, args: Data, context: GraphqlContext) => unknown;
}

/** What the resolvers of subscriptions need from the gateway. */
export interface SubscriptionOptions extends RevocationOptions {
  tagSubscriptions: TagSubscriptions;
  tails: LogTails;
}

/** Makes the resolvers of the subscriptions that contracts declare. */
export function subscriptionResolvers(
  contracts: readonly Contract[],
  options: SubscriptionOptions,
): Record<string, SubscriptionResolver> {
  const resolvers = contracts.flatMap((contract) =>
    Object.entries(contract.graphql?.subscriptions ?? {}).map(([name, subscription]) => {
      return [name, resolverOf(contract, subscription, options)] as const;
    }),
  );
  return Object.fromEntries(resolvers);
}

function resolverOf(
  { name, events }: Contract,
  { events: types, access, owner, load }: SubscriptionField,
  options: SubscriptionOptions,
): SubscriptionResolver {
  const { publicReads, tails } = options;
  return {
    async subscribe(_root, args, { actor, resumeAfter, take }) {
      assertAccess(access, actor, publicReads);
      const { after, ...filter } = args;
      const match = idsIn(filter);
      const seesAll = isPublic(access, publicReads) || mayActForOthers(actor);
      if (!seesAll && owner !== undefined) match[owner] = ownIdOf(actor);
      const revocation = revocationCheck(access, actor, options);
      const isKnown = ({ type, version }: { type: string; version: number }) =>
        version === events[type]?.version;
      const cursor = resumeAfter ?? (after as string | null | undefined) ?? undefined;
      return tails.subscribe(name, { types, match, isKnown, revocation, take }, cursor);
    },
    async resolve({ data, cursor }, _args, { ctx, dataLoaders }) {
      // Rows that were loaded for the previous event are stale.
      dataLoaders.clear();
      if (load === undefined) return { ...data, cursor };
      const loaded = await ctx.call<object, object>(load.action, {
        [load.parameter]: data[load.from],
      });
      return { ...loaded, cursor };
    },
  };
}

/** Returns the id of a user, who may see only own events. */
function ownIdOf(actor: Actor): string {
  const id = userIdOf(actor);
  if (id === null) throw unauthenticated(actor);
  return id;
}

/**
 * Returns the payloads that discovered services publish under some tags, until the actor's session ends. Throws
 * the reason if it has ended already. The caller has checked the access rule.
 */
export function revocableEvents(
  tags: readonly string[],
  access: Access | undefined,
  actor: Actor,
  options: SubscriptionOptions,
): AsyncIterableIterator<unknown> {
  return options.tagSubscriptions.events(tags, revocationCheck(access, actor, options));
}

/** Returns the arguments that are not null. Throws BAD_USER_INPUT if one is not an id. */
function idsIn(args: Data): Record<string, string> {
  const present = Object.entries(args).filter(([, id]) => id !== null && id !== undefined);
  const invalid = present.filter(([, id]) => !isId(id));
  if (invalid.length > 0) {
    throw badUserInput(
      invalid.map(([field]) => ({ field, message: `'${field}' must be an id (a UUID).` })),
    );
  }
  return Object.fromEntries(present.map(([field, id]) => [field, String(id).toLowerCase()]));
}
