import { assertAccess, mayActForOthers, type Viewer } from "../../../core/access.ts";
import type { Contract, SubscriptionField } from "../../../core/contract.ts";
import { badUserInput } from "../../../core/errors.ts";
import { isId } from "../../../core/validation.ts";
import type { EventStream, StreamedEvent } from "./event-stream.ts";
import type { GraphqlContext } from "../graphql/graphql-execution.ts";

type Data = Record<string, unknown>;

/** How GraphQL executes a field of type Subscription. */
interface SubscriptionResolver {
  subscribe: (root: unknown, args: Data, context: GraphqlContext) => AsyncIterable<unknown>;
  resolve: (data: Data, args: Data, context: GraphqlContext) => unknown;
}

/** Why a viewer who was known when they subscribed is told nothing more, if there is a reason. */
type RevocationCheck = (viewer: Viewer) => Error | undefined;

/** What the resolvers of subscriptions need of the gateway. */
export interface SubscriptionOptions {
  stream: EventStream;
  publicReads: boolean;
  /** Gives the reason why a signed-in viewer gets no further events, if there is one. */
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
      const wanted = idsIn(args);
      const isOpen = access === "everyone" || (publicReads && typeof access === "object");
      const whose = owner !== undefined && !isOpen && !mayActForOthers(actor) ? owner : undefined;
      const whyNot = () => (isOpen || actor.kind === "operator" ? undefined : revocationOf(actor));
      const refusal = whyNot();
      if (refusal !== undefined) throw refusal;
      const wants = (event: StreamedEvent) => {
        const data = event.data as Data;
        if (event.version !== version || !has(data, wanted)) return false;
        return whose === undefined || (actor.kind === "user" && data[whose] === actor.id);
      };
      return stream.events([type], wants, whyNot);
    },
    resolve(data, _args, { ctx, dataLoaders }) {
      // What was loaded for the event before is old now.
      dataLoaders.clear();
      if (load === undefined) return data;
      return ctx.call(load.action, { [load.parameter]: data[load.from] });
    },
  };
}

/** The arguments that are given: ids all of them. Refuses others with BAD_USER_INPUT. */
function idsIn(args: Data): [string, string][] {
  const given = Object.entries(args).filter(([, id]) => id !== null && id !== undefined);
  const faults = given.filter(([, id]) => !isId(id));
  if (faults.length > 0) {
    throw badUserInput(
      faults.map(([field]) => ({ field, message: `'${field}' must be an id (a UUID).` })),
    );
  }
  return given.map(([field, id]) => [field, String(id).toLowerCase()]);
}

function has(data: Data, wanted: [string, string][]): boolean {
  return wanted.every(([field, id]) => data[field] === id);
}
