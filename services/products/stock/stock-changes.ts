import { maxListRows, type Page } from "../../../core/validation.ts";
import type { UnitOfWork } from "../../../mixins/database-types.ts";
import type { productModels } from "../catalogue/product.model.ts";
import { groupsInOrderOf } from "../../../database/rows-by-id.ts";
import {
  maxStockHistory,
  type InventoryUpdated,
  type productsContract,
  type StockChange,
  type StockHistoryEntry,
} from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";

export type ProductsTransaction = UnitOfWork<
  (typeof productsContract)["events"],
  ReturnType<typeof productModels>
>;

/** Adds a row to the ledger of the stock on hand. `sellReservations` adds the rows of sales. */
export async function recordStockChange(
  work: ProductsTransaction,
  entry: {
    productId: string;
    change: number;
    reason: StockChange["reason"];
    userId: string | null;
  },
): Promise<void> {
  await work.query(
    "INSERT INTO stock_changes (product_id, change, reason, user_id) VALUES ($1, $2, $3, $4)",
    [entry.productId, entry.change, entry.reason, entry.userId],
  );
}

/** Records the event of a change of the stock that no order has caused. */
export function recordStockUpdate(
  { record }: Pick<ProductsTransaction, "record">,
  product_id: string,
  change: InventoryUpdated["change"],
  number: number,
): void {
  record("inventory.updated", { product_id, change, number, order_id: null });
}

/** The stock of a product after a change. */
export interface StockAfter {
  stock: number;
  sku: string | null;
}

/** Records the event of a change that took the last piece of a product, or added the first one. */
export function recordCrossing(
  { record }: Pick<ProductsTransaction, "record">,
  { product_id, sku, stock, change }: StockAfter & { product_id: string; change: number },
): void {
  if (change < 0 && stock === 0) record("inventory.depleted", { product_id, sku });
  if (change > 0 && stock === change) record("inventory.replenished", { product_id, sku, stock });
}

/** Returns a page of a product's ledger, newest first. */
export async function stockHistory(
  database: ProductsDatabase,
  productId: string,
  { limit = maxListRows, offset = 0 }: Page,
): Promise<StockChange[]> {
  const rows = await database.query<Omit<StockChange, "at"> & { at: Date }>(
    `SELECT c.change, c.reason, c.order_id, c.user_id, u.username, c.at
     FROM stock_changes c LEFT JOIN known_users u ON u.id = c.user_id
     WHERE c.product_id = $1 ORDER BY c.id DESC LIMIT $2 OFFSET $3`,
    [productId, limit, offset],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/**
 * Returns the newest changes of the stock of products, newest first, in the order of the ids. The
 * stock on hand after a change is computed backwards from the present one, which is the stock plus
 * the held reservations: the sum of a whole ledger would take long.
 */
export async function stockHistories(
  { query }: ProductsDatabase,
  ids: string[],
): Promise<StockHistoryEntry[][]> {
  const rows = await query<Omit<StockHistoryEntry, "at"> & { product_id: string; at: Date }>(
    `SELECT p.id AS product_id, c.reason AS change, c.change AS number,
       p.stock + coalesce(held.pieces, 0) + c.change
         - sum(c.change) OVER (PARTITION BY p.id ORDER BY c.id DESC) AS "stockOnHand",
       c.order_id AS "orderId", c.user_id AS "userId", u.username, c.at
     FROM products p CROSS JOIN LATERAL (
       SELECT * FROM stock_changes WHERE product_id = p.id ORDER BY id DESC LIMIT $2
     ) c
     LEFT JOIN (
       SELECT l.product_id, sum(l.quantity) AS pieces
       FROM reservations r CROSS JOIN LATERAL (
         -- OFFSET 0 makes PostgreSQL look up the lines: those that are held are few of all lines.
         SELECT * FROM reservation_lines
         WHERE order_id = r.order_id AND product_id = ANY ($1::uuid[]) OFFSET 0
       ) l
       WHERE state = 'HELD' GROUP BY 1
     ) held ON held.product_id = p.id
     LEFT JOIN known_users u ON u.id = c.user_id
     WHERE p.id = ANY ($1::uuid[]) ORDER BY p.id, c.id DESC`,
    [ids, maxStockHistory],
  );
  return groupsInOrderOf(ids, rows, ({ product_id }) => product_id).map((entries) =>
    entries.map(({ change, number, stockOnHand, orderId, userId, username, at }) => ({
      change,
      number,
      stockOnHand,
      orderId,
      userId,
      username,
      at: at.toISOString(),
    })),
  );
}
