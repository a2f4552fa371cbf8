import { readFileSync } from "node:fs";
import type { ServiceBroker } from "moleculer";
import { assertAccess } from "../../../core/access.ts";
import { ClientError } from "../../../core/errors.ts";
import type { DeadLetterEntry } from "../../../core/events/event-progress.ts";
import { keptSteps } from "../../../core/vitals/flows.ts";
import { maxTraceSteps, type OrderTimeline } from "../../orders/orders.contract.ts";
import type { HeldReservation, StoredStockAudit } from "../../products/products.contract.ts";
import { apiErrors } from "../api.errors.ts";
import type { GraphqlContext } from "../graphql/graphql-operation.ts";
import { contracts } from "../../registry.ts";
import { revocationCheck, type RevocationOptions } from "../subscriptions/revocation.ts";
import { maxEdges, type Cluster } from "./cluster-picture.ts";
import { ClusterWatch, maxNodes } from "./cluster-watch.ts";
import { consumerNamed, eventConsumers, maxEventConsumers, pageOf } from "./event-operations.ts";
import { operationsRootFields } from "./root-fields.ts";

/** The types and the root fields of the operation of the cluster. */
export const operationsTypes = [
  readFileSync(new URL("operations.graphql", import.meta.url), "utf8"),
  operationsRootFields,
].join("\n");

/** The costs of the work behind the fields, by `Type.field`. */
export const operationsCosts: [string, number][] = [
  // The clients of a gateway share one collection.
  ["Query.cluster", 20],
  ["Query.clusterHistory", 50],
  ["Subscription.clusterUpdated", 5],
  // A call of each service, and some statements.
  ["Query.eventConsumers", 50],
  ["Query.deadLetters", 10],
  ["Query.heldReservations", 10],
  ["Query.stockAudit", 10],
  // Calls of all services, and statements for the events of an order with many lines.
  ["Query.orderTrace", 100],
  ["Mutation.redriveDeadLetter", 50],
  // Seconds of the consumer's database, and of all products.
  ["Mutation.redriveDeadLetters", 1_000],
  ["Mutation.auditStock", 1_000],
];

/** The maximum length of the lists, by `Type.field`. */
export const operationsLists: [string, number][] = [
  ["Query.eventConsumers", maxEventConsumers],
  ["StockAuditReport.differences", 100],
  ["OrderTrace.steps", maxTraceSteps],
  ["OrderTrace.missing", contracts.length],
  ["Cluster.nodes", maxNodes],
  ["Cluster.databases", contracts.length],
  ["Cluster.edges", maxEdges],
  ["Cluster.actions", maxEdges],
  ["ClusterNode.services", contracts.length + 1],
  ["ClusterHistory.steps", keptSteps + 1],
];

/** What the resolvers need from the gateway. */
interface Options extends RevocationOptions {
  broker: ServiceBroker;
  /** Whether the fields work. */
  hasConsole: boolean;
}

type Args = Record<string, unknown>;
/** The argument of the fields about one consumer. */
interface OfConsumer {
  consumer: string;
}
type Resolve = (args: never, context: GraphqlContext) => unknown;

/** Makes the resolvers of the fields. Without the console, each is an error. */
export function operationsResolvers({ broker, hasConsole: isEnabled, ...options }: Options) {
  const watch = new ClusterWatch(broker);

  /** Checks access at the gateway, too: some fields call no action on behalf of the caller. */
  const guarded = (resolve: Resolve) => (_root: unknown, args: Args, context: GraphqlContext) => {
    assertOperations(isEnabled, context);
    return resolve(args as never, context);
  };
  const all = (fields: Record<string, Resolve>) =>
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, guarded(field)]));
  return {
    Query: all({
      cluster: () => watch.cluster(),
      clusterHistory: () => watch.history(),
      eventConsumers: (_args, { ctx }) => eventConsumers(ctx),
      deadLetters: ({ consumer, ...page }: OfConsumer, { ctx }) =>
        pageOf<DeadLetterEntry>(ctx, `${consumerNamed(consumer)}.deadLetterPage`, page),
      heldReservations: (args, { ctx }) =>
        pageOf<HeldReservation>(ctx, "products.heldReservations", args),
      stockAudit: async (_args, { ctx }) => shownAudit(await ctx.call("products.lastAudit")),
      orderTrace: ({ id }: { id: string }, { ctx }) =>
        ctx.call<OrderTimeline, object>("orders.timeline", { id }),
    }),
    Mutation: all({
      redriveDeadLetter: ({ consumer, id }: OfConsumer & { id: string }, { ctx }) =>
        ctx.call(`${consumerNamed(consumer)}.redrive`, { id }),
      redriveDeadLetters: ({ consumer }: OfConsumer, { ctx }) =>
        ctx.call(`${consumerNamed(consumer)}.redriveDeadLetters`),
      auditStock: async (_args, { ctx }) => shownAudit(await ctx.call("products.auditNow")),
    }),
    Subscription: {
      clusterUpdated: {
        async subscribe(_root: unknown, _args: Args, context: GraphqlContext) {
          assertOperations(isEnabled, context);
          return watch.watch(revocationCheck("operations", context.actor, options));
        },
        resolve: (cluster: Cluster) => cluster,
      },
    },
  };
}

/** Throws UNAUTHENTICATED, FORBIDDEN or CONSOLE_DISABLED. */
function assertOperations(isEnabled: boolean, { actor }: GraphqlContext): void {
  assertAccess("operations", actor, false);
  if (isEnabled) return;
  throw new ClientError(apiErrors.CONSOLE_DISABLED, apiErrors.CONSOLE_DISABLED.meaning);
}

function shownAudit({ report, ...audit }: StoredStockAudit): object {
  if (report === null) return { ...audit, report };
  const { differences, dead_letters: letters, ...counts } = report;
  return {
    ...audit,
    report: {
      ...counts,
      differences: differences.map(({ product_id, on_hand, stock, held }) => {
        return { productId: product_id, onHand: on_hand, stock, held };
      }),
      deadLetters: letters.events,
      notSold: letters.not_sold,
      notReturned: letters.not_returned,
    },
  };
}
