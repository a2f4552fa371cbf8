import type { Page } from "../../../core/validation.ts";
import { maxListRows } from "../../../core/validation.ts";
import type { UnitOfWork } from "../../../mixins/database.mixin.ts";
import type { productModels } from "../catalogue/product.model.ts";
import type { productsContract, StockChange } from "../products.contract.ts";
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
