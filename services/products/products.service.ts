import type { ServiceBroker, ServiceSchema } from "moleculer";
import { senderOf } from "../../core/access.ts";
import { configOf } from "../../config/broker-config.ts";
import { itemCheck } from "../../core/item-check.ts";
import { defineService } from "../../core/define-service.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import { auditErasure, auditPruning, FailedAttemptAudit } from "../../database/audit-trail.ts";
import { readAuditTrail } from "../../database/audit-trail-pages.ts";
import { usernameHandler } from "../../event-log/known-users.ts";
import { ordersContract } from "../orders/orders.contract.ts";
import { usersContract } from "../users/users.contract.ts";
import {
  createProducts,
  newBulkProductRules,
  type NewBulkProduct,
} from "./bulk/create-products.ts";
import { updateInventories } from "./bulk/update-inventories.ts";
import { updateProducts } from "./bulk/update-products.ts";
import { changeInventoryRules, type ChangeInventory } from "./bulk/bulk.contract.ts";
import { createProduct } from "./catalogue/create-product.ts";
import { eraseUsers } from "./erase-users.ts";
import { priceHistory } from "./catalogue/price-history.ts";
import { lowStockProducts } from "./catalogue/low-stock.ts";
import { searchIndexMerges } from "./catalogue/merge-search-index.ts";
import { updateProduct } from "./catalogue/update-product.ts";
import { heldReservations } from "./stock/reservations/held-reservations.ts";
import {
  releaseReservations,
  restockCancelledOrders,
} from "./stock/reservations/release-reservations.ts";
import { productConnection } from "./catalogue/page-products.ts";
import {
  defaultLowStock,
  maxLowStockRows,
  orderServerHeader,
  productsContract,
  updateProductRules,
  type UpdateProduct,
} from "./products.contract.ts";
import { openProductsDatabase } from "./products.database.ts";
import { noProductWithSku, productNotFound } from "./products.errors.ts";
import {
  lookUpProducts,
  productBySku,
  productLookups,
  productPages,
  productsByIds,
  productsBySku,
} from "./catalogue/read-products.ts";
import { correctStock } from "./stock/correct-stock.ts";
import { redrivePlacedOrder } from "./stock/reservations/redrive-order.ts";
import { reserveMany } from "./stock/reservations/reserve-many.ts";
import { reservationBatcher } from "./stock/reservations/reserve.ts";
import { sellReservations } from "./stock/reservations/sell-reservations.ts";
import { auditStock, traceReservation } from "./stock/stock-audit.ts";
import {
  auditCheckEveryMs,
  auditNow,
  auditOnSchedule,
  lastAudit,
} from "./stock/scheduled-audit.ts";
import { stockMetrics } from "./stock/stock-metrics.ts";
import { stockHistories, stockHistory } from "./stock/stock-changes.ts";
import { sweepEveryMs, sweepReservations } from "./stock/reservations/sweep-reservations.ts";
import { updateInventory } from "./stock/update-inventory.ts";

export default function productsService(broker: ServiceBroker): ServiceSchema {
  const config = configOf(broker);
  const database = openProductsDatabase(config);
  const { reservationTtlSeconds } = config;
  const failedAttempts = new FailedAttemptAudit(database.query);
  const products = productLookups(database);
  const pages = productPages(database);
  const connection = productConnection(database);
  const searchIndex = searchIndexMerges(database);
  const reservations = reservationBatcher(database, reservationTtlSeconds);

  stockMetrics(instrumentsOf(broker), database);

  const checkProduct = itemCheck<NewBulkProduct>(broker, newBulkProductRules);
  const checkUpdate = itemCheck<UpdateProduct>(broker, updateProductRules);
  const checkChange = itemCheck<ChangeInventory>(broker, changeInventoryRules);

  return defineService(productsContract, {
    uses: [usersContract, ordersContract],
    database,
    actions: {
      async get({ params: { id } }) {
        const product = await products.add(id);
        if (product === null) throw productNotFound(id);
        return product;
      },
      async getBySku({ params: { sku } }) {
        const product = await productBySku(database, sku);
        if (product === undefined) throw noProductWithSku(sku);
        return product;
      },
      listBySku: ({ params: { skus } }) => productsBySku(database, skus),
      list: ({ params }) => pages.add(params),
      page: ({ params }) => connection.page(params),
      count: ({ params }) => connection.count(params),
      lowStock: ({ params: { maxStock = defaultLowStock, limit = maxLowStockRows } }) =>
        lowStockProducts(database, maxStock, limit),
      create: (ctx) =>
        database.idempotent(ctx, (db) => createProduct(db, ctx.params, senderOf(ctx))),
      update: (ctx) =>
        database.idempotent(ctx, (db) => updateProduct(db, ctx.params, senderOf(ctx))),
      updateInventory: (ctx) =>
        database.idempotent(ctx, (db) => updateInventory(db, ctx.params, senderOf(ctx))),
      correctStock: (ctx) => correctStock(database, ctx.params, senderOf(ctx)),
      createMany: (ctx) =>
        searchIndex.afterChanges(
          database.idempotent(ctx, (db) =>
            createProducts(db, ctx.params.products, checkProduct, senderOf(ctx)),
          ),
        ),
      updateMany: (ctx) =>
        searchIndex.afterChanges(
          database.idempotent(ctx, (db) =>
            updateProducts(db, ctx.params.products, checkUpdate, senderOf(ctx)),
          ),
        ),
      updateInventories: (ctx) =>
        database.idempotent(ctx, (db) =>
          updateInventories(db, ctx.params.changes, checkChange, senderOf(ctx)),
        ),
      // The calls of gateways are batches already.
      resolve: ({ params: { ids } }) => productsByIds(database, ids),
      lookUp: ({ params }) => lookUpProducts(database, params),
      priceHistory: ({ params: { ids } }) => priceHistory(database, ids),
      reserve: ({ params, headers }) =>
        reservations.add({ ...params, orderServer: headers[orderServerHeader] }),
      reserveMany: ({ params, headers }) =>
        reserveMany(reservations, params.reservations, headers[orderServerHeader]),
      release: async ({ params: { order_id } }) => ({
        released: (await releaseReservations(database, [order_id])).length > 0,
      }),
      stockHistory: ({ params: { id, ...page } }) => stockHistory(database, id, page),
      stockHistories: ({ params: { ids } }) => stockHistories(database, ids),
      audit: () => auditStock(database),
      lastAudit: () => lastAudit(database),
      auditNow: ({ broker: { logger } }) =>
        auditNow(database, (fault) => {
          logger.error("The audit of the stock failed.", fault);
        }),
      heldReservations: ({ params }) => heldReservations(database, params),
      auditTrail: ({ params }) => readAuditTrail(database.query, params),
      traceOrder: ({ params: { id } }) => traceReservation(database, id),
    },
    consumes: {
      "order.placed": { handleBatch: sellReservations, redrive: redrivePlacedOrder },
      "order.cancelled": { handleBatch: restockCancelledOrders },
      "user.registered": usernameHandler,
      "user.updated": usernameHandler,
      "user.erased": { handleBatch: eraseUsers },
    },
    readModels: { users: ["known_users"] },
    periodically: [
      {
        everyMs: sweepEveryMs,
        run: (caller) => sweepReservations(database, caller, reservationTtlSeconds),
      },
      { everyMs: auditCheckEveryMs, run: () => auditOnSchedule(database) },
      searchIndex,
      auditErasure(database),
      auditPruning(database, config.auditKeepMs),
    ],
    onAccessDenied: (ctx, denial) => failedAttempts.onAccessDenied(ctx, denial),
  });
}
