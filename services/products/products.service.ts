import type { ServiceSchema } from "moleculer";
import { senderOf } from "../../core/access.ts";
import type { Config } from "../../config/config.ts";
import { defineService } from "../../core/define-service.ts";
import { auditPruning, readAuditTrail, RefusalWatch } from "../../database/audit-trail.ts";
import { rememberUsers } from "../../database/known-users.ts";
import { ordersContract } from "../orders/orders.contract.ts";
import { usersContract } from "../users/users.contract.ts";
import { createProduct } from "./catalogue/create-product.ts";
import { release, returnStock } from "./stock/release-reservations.ts";
import { productConnection } from "./catalogue/page-products.ts";
import { productsContract } from "./products.contract.ts";
import { openProductsDatabase } from "./products.database.ts";
import { productNotFound } from "./products.errors.ts";
import { productLookups, productPages } from "./catalogue/read-products.ts";
import { reservations } from "./stock/reserve-batch.ts";
import { sell } from "./stock/sell.ts";
import { auditStock, traceOrder } from "./stock/stock-audit.ts";
import { stockHistory } from "./stock/stock-changes.ts";
import { sweepEveryMs, sweepReservations } from "./stock/sweep-reservations.ts";
import { updateInventory } from "./stock/update-inventory.ts";

export default function productsService(config: Config, databaseUrl: string): ServiceSchema {
  const database = openProductsDatabase(config, databaseUrl);
  const { reservationTtlSeconds } = config;
  const refusals = new RefusalWatch(database.query);
  const products = productLookups(database);
  const pages = productPages(database);
  const connection = productConnection(database);
  const reserving = reservations(database, reservationTtlSeconds);

  return defineService(productsContract, {
    uses: [usersContract, ordersContract],
    database,
    actions: {
      async get({ params: { id } }) {
        const product = await products.join(id);
        if (product === null) throw productNotFound(id);
        return product;
      },
      list: ({ params }) => pages.join(params),
      page: ({ params }) => connection.page(params),
      count: ({ params }) => connection.count(params),
      create: (ctx) =>
        database.once(ctx, (keyed) => createProduct(keyed, ctx.params, senderOf(ctx))),
      updateInventory: (ctx) =>
        database.once(ctx, (keyed) => updateInventory(keyed, ctx.params, senderOf(ctx))),
      resolve: ({ params: { ids } }) => Promise.all(ids.map((id) => products.join(id))),
      reserve: ({ params }) => reserving.join(params),
      release: async ({ params: { order_id } }) => ({
        released: (await release(database, [order_id])).length > 0,
      }),
      stockHistory: ({ params: { id, ...page } }) => stockHistory(database, id, page),
      audit: () => auditStock(database),
      auditTrail: ({ params }) => readAuditTrail(database.query, params),
      traceOrder: ({ params: { id } }) => traceOrder(database, id),
    },
    consumes: {
      "order.placed": { inRuns: sell },
      "order.cancelled": { inRuns: returnStock },
      "user.registered": { inRuns: rememberUsers },
    },
    copies: { users: ["known_users"] },
    periodically: [
      {
        everyMs: sweepEveryMs,
        run: (caller) => sweepReservations(database, caller, reservationTtlSeconds),
      },
      auditPruning(database, config.auditKeepMs),
    ],
    refused: (ctx, refusal) => refusals.onRefused(ctx, refusal),
  });
}
