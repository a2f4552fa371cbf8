import type { ServiceSchema } from "moleculer";
import { senderOf } from "../../core/access.ts";
import type { Config } from "../../core/config.ts";
import { defineService } from "../../core/define-service.ts";
import { maxListRows } from "../../core/validation.ts";
import { auditPruning, readAuditTrail, RefusalWatch } from "../../mixins/audit-trail.ts";
import { inOrderOf } from "../../mixins/reads.ts";
import { rememberUsers } from "../../mixins/user-names.ts";
import { ordersContract } from "../orders/orders.contract.ts";
import { usersContract } from "../users/users.contract.ts";
import { createProduct } from "./create-product.ts";
import { release, returnStock } from "./give-back.ts";
import { publicProduct } from "./product.ts";
import { productsContract } from "./products.contract.ts";
import { openProductsDatabase } from "./products.database.ts";
import { productNotFound } from "./products.errors.ts";
import { reserve } from "./reserve.ts";
import { sell } from "./sell.ts";
import { auditStock, traceOrder } from "./stock-audit.ts";
import { stockHistory } from "./stock-changes.ts";
import { sweepEveryMs, sweepReservations } from "./sweep-reservations.ts";
import { updateInventory } from "./update-inventory.ts";

export default function productsService(config: Config, databaseUrl: string): ServiceSchema {
  const database = openProductsDatabase(config, databaseUrl);
  const { reservationTtlSeconds } = config;
  const refusals = new RefusalWatch(database.query);
  const inCatalogue = { archivedAt: null };

  return defineService(productsContract, {
    uses: [usersContract, ordersContract],
    database,
    actions: {
      async get({ params: { id } }) {
        const product = await database.read((reads) =>
          reads.findOne({ where: { id, ...inCatalogue } }),
        );
        if (product === null) throw productNotFound(id);
        return publicProduct(product);
      },
      async list({ params: { limit = maxListRows, offset = 0 } }) {
        const products = await database.read((reads) =>
          reads.find({ query: inCatalogue, limit, offset, sort: "id" }),
        );
        return products.map(publicProduct);
      },
      create: (ctx) =>
        database.once(ctx, (keyed) => createProduct(keyed, ctx.params, senderOf(ctx))),
      updateInventory: (ctx) =>
        database.once(ctx, (keyed) => updateInventory(keyed, ctx.params, senderOf(ctx))),
      async resolve({ params: { ids } }) {
        const products = await database.read((reads) =>
          reads.find({ query: { id: ids, ...inCatalogue } }),
        );
        return inOrderOf(ids, products.map(publicProduct));
      },
      reserve: ({ params }) => reserve(database, params, reservationTtlSeconds),
      release: async ({ params: { order_id } }) => ({
        released: (await release(database, [order_id])).length > 0,
      }),
      stockHistory: ({ params: { id, ...page } }) => stockHistory(database, id, page),
      audit: () => auditStock(database),
      auditTrail: ({ params }) => readAuditTrail(database.query, params),
      traceOrder: ({ params: { id } }) => traceOrder(database, id),
      ready: async () => (await database.query("SELECT 1", [])).length === 1,
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
