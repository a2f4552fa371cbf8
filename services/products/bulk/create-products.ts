import { userIdOf, type Sender } from "../../../core/access.ts";
import { newId } from "../../../core/ids/ids.ts";
import type { ItemCheck } from "../../../core/item-check.ts";
import { newIdRule, optional } from "../../../core/validation.ts";
import { recordAudits } from "../../../database/audit-trail.ts";
import { arraysOf } from "../../../database/columns.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import {
  insertedArrayColumns,
  insertedColumns,
  insertedProduct,
  type InsertedProduct,
} from "../catalogue/product.model.ts";
import type { BulkAnswer } from "./bulk.contract.ts";
import { newProductRules, type NewProduct, type ProductAuditAction } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { idOfOther, productExists, skuTaken } from "../products.errors.ts";
import { BulkResults, numbered, type BulkItem } from "./bulk-results.ts";
import { lockSkus } from "./bulk-locks.ts";

/** A product of `products.createMany`. The import of a catalogue names ids, clients do not. */
export type NewBulkProduct = NewProduct & { id?: string };

export const newBulkProductRules = { ...newProductRules, id: optional(newIdRule()) };

/** Creates the valid products of a batch. Of several with the same SKU or id, it creates the first. */
export async function createProducts(
  database: ProductsDatabase,
  given: readonly object[],
  check: ItemCheck<NewBulkProduct>,
  sender: Sender,
): Promise<BulkAnswer> {
  const checked = new BulkResults();
  const items = checked.valid(numbered(given), check);
  const userId = userIdOf(sender.actor);
  const withNewSku = checked.distinct(items, ({ sku }) => sku, skuTaken);
  const distinct = checked.distinct(withNewSku, ({ id }) => id, productExists);
  const foreignIds = await idsOfOthers(database, distinct);
  const fresh = distinct.filter(({ index, item: { id = "" } }) => {
    const isForeign = foreignIds.has(id);
    if (isForeign) checked.fail(index, idOfOther());
    return !isForeign;
  });
  const products = fresh.map(({ index, item }) => {
    const product = { ...item, id: item.id ?? newId(), sku: item.sku ?? null };
    return { index, product, hasOwnId: item.id !== undefined };
  });
  return database.transaction(async ({ query, record }) => {
    const results = new BulkResults(checked);
    const rows = products.map(({ product }) => product);
    if (rows.some(({ sku }) => sku !== null)) await lockSkus(query, "shared");
    const createdIds = await insertProducts(query, rows, userId);
    const rejectedIds = products.flatMap(({ product: { id }, hasOwnId }) =>
      hasOwnId && !createdIds.has(id) ? [id] : [],
    );
    const existingIds = await existingProductIds(query, rejectedIds);
    for (const { index, product } of products) {
      if (createdIds.has(product.id)) results.done(index, product.id, 1);
      else results.fail(index, existingIds.has(product.id) ? productExists() : skuTaken());
    }
    const created = rows.filter(({ id }) => createdIds.has(id));
    await recordAudits<ProductAuditAction>(
      query,
      sender,
      created.map(({ id, name, price, stock, sku }) => ({
        action: "PRODUCT_CREATED",
        subjectId: id,
        detail: { name, price, stock, ...(sku !== null && { sku }) },
      })),
    );
    for (const { id, name, price, stock, sku } of created) {
      record("product.created", { product_id: id, name, price, stock, sku });
    }
    return results.answer();
  });
}

/**
 * Inserts products with the first entries of their ledgers. Leaves out a product whose id or SKU
 * exists. Returns the ids of the inserted ones. The rows are in the order of their SKUs: concurrent
 * batches wait for each other's SKUs, and must not do so in a circle.
 */
async function insertProducts(
  query: Query,
  products: readonly InsertedProduct[],
  userId: string | null,
): Promise<Set<string>> {
  const created = await query<{ id: string }>(
    `WITH created AS (
       INSERT INTO products (${insertedColumns})
       SELECT * FROM unnest(${insertedArrayColumns}) AS product (${insertedColumns})
       ORDER BY sku COLLATE "C", id
       ON CONFLICT DO NOTHING
       RETURNING id, stock
     ), ledger AS (
       INSERT INTO stock_changes (product_id, change, reason, user_id)
       SELECT id, stock, 'CREATED', $1::uuid FROM created
     )
     SELECT id FROM created`,
    [userId, ...arraysOf(insertedProduct, products)],
  );
  return new Set(created.map(({ id }) => id));
}

/**
 * Returns the ids of items that a user or an order has. An id is unique among the objects of all
 * types, for `Query.node`. No lock: objects that are created later have new random ids.
 */
async function idsOfOthers(
  { query }: ProductsDatabase,
  items: readonly BulkItem<NewBulkProduct>[],
): Promise<Set<string>> {
  const ids = items.flatMap(({ item: { id } }) => id ?? []);
  if (ids.length === 0) return new Set();
  const rows = await query<{ id: string }>(
    `SELECT id FROM known_users WHERE id = ANY ($1::uuid[])
     UNION SELECT order_id FROM reservations WHERE order_id = ANY ($1::uuid[])`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Returns those of the ids that a product has, or had before its deletion. */
async function existingProductIds(query: Query, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await query<{ id: string }>("SELECT id FROM products WHERE id = ANY ($1::uuid[])", [
    ids,
  ]);
  return new Set(rows.map(({ id }) => id));
}
