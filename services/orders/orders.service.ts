import type { ServiceBroker, ServiceSchema } from "moleculer";
import { actorOf, forbidden, mayActForOthers, userIdOf, type Actor } from "../../core/access.ts";
import { configOf } from "../../config/broker-config.ts";
import { defineService } from "../../core/define-service.ts";
import { includes } from "../../core/graphql/graphql-options.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import { productsContract } from "../products/products.contract.ts";
import { eraseKnownUsers, usernameHandler } from "../../event-log/known-users.ts";
import { usersContract } from "../users/users.contract.ts";
import { cancelOrder } from "./lifecycle/cancel-order.ts";
import { completeOrder } from "./lifecycle/complete-order.ts";
import { shipOrder } from "./lifecycle/ship-order.ts";
import {
  storeInventoryChanges,
  storeProductUpdates,
  productNames,
  storeNewProducts,
} from "./read-models.ts";
import { defaultSalesDays, ordersContract } from "./orders.contract.ts";
import { openOrdersDatabase } from "./orders.database.ts";
import { buyerMissing, pastTime } from "./orders.errors.ts";
import { OrderMetrics } from "./order-metrics.ts";
import { orderConnection } from "./reading/page-orders.ts";
import { placeOrder } from "./placement/place-order.ts";
import { reservationCaller } from "./placement/reserve-stock.ts";
import { orderPages } from "./reading/list-orders.ts";
import {
  getOrder,
  historyOfOrders,
  orderLines,
  ordersByIds,
  ordersOfUsers,
} from "./reading/read-orders.ts";
import { settleOrders } from "./placement/settle-orders.ts";
import { timelineOf } from "./reading/order-timeline.ts";
import { salesByDay } from "./reading/sales-by-day.ts";
import { traceOrder } from "./reading/trace-order.ts";
import { orderBatcher } from "./placement/write-orders.ts";

export default function ordersService(broker: ServiceBroker): ServiceSchema {
  const config = configOf(broker);
  const database = openOrdersDatabase(config);
  const pageOf = orderPages(database);
  const connection = orderConnection(database);
  const lines = orderLines(database);
  const orderWriter = orderBatcher(database);
  const reservations = reservationCaller(broker);
  const metrics = new OrderMetrics(instrumentsOf(broker));
  database.onCommitted((event) => {
    metrics.count(event);
  });

  /** Returns the user whose orders the actor may see; undefined if the actor may see all orders. */
  function ownerOf(actor: Actor): string | undefined {
    if (config.publicReads || mayActForOthers(actor)) return undefined;
    if (actor.kind === "user") return actor.id;
    throw forbidden();
  }

  return defineService(ordersContract, {
    uses: [productsContract, usersContract],
    database,
    actions: {
      get: (ctx) => getOrder(database, ctx.params.id, ownerOf(actorOf(ctx))),
      resolve: (ctx) => ordersByIds(database, ctx.params.ids, ownerOf(actorOf(ctx))),
      list: (ctx) =>
        pageOf({
          ...ctx.params,
          ownerId: ownerOf(actorOf(ctx)),
          hasLines: includes(ctx, "order_products"),
        }),
      page: (ctx) => connection.page(ctx.params, ownerOf(actorOf(ctx))),
      count: (ctx) => connection.count(ctx.params, ownerOf(actorOf(ctx))),
      async place(ctx) {
        const actor = actorOf(ctx);
        const userId = userIdOf(actor) ?? ctx.params.user_id;
        if (userId === undefined) throw buyerMissing();
        const placedAt = actor.kind === "user" ? undefined : pastTime(ctx.params.placed_at);
        const { logger } = ctx.broker;
        return metrics.countRejection(() =>
          database.idempotent(ctx, (db) =>
            placeOrder(
              { database: db, orderWriter, products: ctx, reservations, logger },
              { userId, placedAt, lines: ctx.params.order_products },
            ),
          ),
        );
      },
      async cancel(ctx) {
        const actor = actorOf(ctx);
        const userId = userIdOf(actor);
        const ownerId = mayActForOthers(actor) ? undefined : (userId ?? undefined);
        const cancellation = { id: ctx.params.id, ownerId, userId };
        return database.idempotent(ctx, (db) =>
          cancelOrder(db, cancellation, config.cancelWithinSeconds),
        );
      },
      ship: (ctx) =>
        database.idempotent(ctx, (db) => shipOrder(db, ctx.params, userIdOf(actorOf(ctx)))),
      complete: (ctx) =>
        database.idempotent(ctx, (db) => completeOrder(db, ctx.params.id, userIdOf(actorOf(ctx)))),
      settle: async (ctx) => ({ void: await settleOrders(database, ctx.params.ids) }),
      salesByDay: ({ params }) => salesByDay(database, params.days ?? defaultSalesDays),
      trace: async (ctx) => (await traceOrder(database, ctx, ctx.broker, ctx.params.id)).trace,
      timeline: async (ctx) =>
        timelineOf(ctx.broker, await traceOrder(database, ctx, ctx.broker, ctx.params.id)),
      async history(ctx) {
        const steps = await historyOfOrders(database, ctx.params.ids, ownerOf(actorOf(ctx)));
        return steps.map((order) =>
          order.map(({ status, at, tracking }) => ({ status, at, tracking })),
        );
      },
      async updateTimes(ctx) {
        const steps = await historyOfOrders(database, ctx.params.ids, ownerOf(actorOf(ctx)));
        return steps.map((order) => order.at(-1)?.at ?? null);
      },
      lines: (ctx) => lines.add({ ids: ctx.params.ids, ownerId: ownerOf(actorOf(ctx)) }),
      productNames: (ctx) => productNames(database, ctx.params.ids),
      async ofUsers(ctx) {
        const ownerId = ownerOf(actorOf(ctx));
        const hasOtherUsers = ctx.params.ids.some((id) => id !== ownerId);
        if (ownerId !== undefined && hasOtherUsers) throw forbidden();
        return ordersOfUsers(database, ctx.params.ids);
      },
    },
    consumes: {
      "product.created": { handleBatch: storeNewProducts },
      "product.updated": { handleBatch: storeProductUpdates },
      "inventory.updated": { handleBatch: storeInventoryChanges },
      "user.registered": usernameHandler,
      "user.updated": usernameHandler,
      "user.erased": { handleBatch: eraseKnownUsers },
    },
    readModels: { products: ["known_products"], users: ["known_users"] },
  });
}
