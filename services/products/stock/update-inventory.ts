import { userIdOf, type Sender } from "../../../core/access.ts";
import { maxInt } from "../../../core/validation.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import {
  inventoryChange,
  type UpdateInventory,
  type ProductAuditAction,
} from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import {
  insufficientStock,
  numberTooSmall,
  productNotFound,
  stockTooLarge,
} from "../products.errors.ts";
import {
  recordCrossing,
  recordStockChange,
  recordStockUpdate,
  type ProductsTransaction,
  type StockAfter,
} from "./stock-changes.ts";

/**
 * Adds to a product's stock (1), subtracts from it (2) or deletes it from the catalogue (3).
 * Throws PRODUCT_NOT_FOUND, INSUFFICIENT_STOCK or BAD_USER_INPUT.
 */
export async function updateInventory(
  database: ProductsDatabase,
  { id, type, number }: UpdateInventory,
  sender: Sender,
): Promise<{ success: true }> {
  if (type !== inventoryChange.delete && number < 1) throw numberTooSmall();
  return database.transaction(async (work) => {
    if (type === inventoryChange.delete) {
      const name = await archive(work, id);
      await recordAudit<ProductAuditAction>(work.query, {
        action: "PRODUCT_DELETED",
        sender,
        subjectId: id,
        // No list has it any more.
        detail: { name },
      });
      recordStockUpdate(work, id, "DELETED", 0);
      return { success: true };
    }
    const isAddition = type === inventoryChange.add;
    const after = await (isAddition ? add(work, id, number) : subtract(work, id, number));
    const change = isAddition ? number : -number;
    const reason = isAddition ? "ADDED" : "SUBTRACTED";
    await recordStockChange(work, {
      productId: id,
      change,
      reason,
      userId: userIdOf(sender.actor),
    });
    await recordAudit<ProductAuditAction>(work.query, {
      action: `STOCK_${reason}`,
      sender,
      subjectId: id,
      detail: { number },
    });
    recordStockUpdate(work, id, reason, change);
    recordCrossing(work, { product_id: id, change, ...after });
    return { success: true };
  });
}

/**
 * Adds pieces. The maximum applies to all pieces ever received minus those subtracted, not only to
 * the current stock: sold pieces may be returned, and a return must never fail.
 */
async function add(work: ProductsTransaction, id: string, number: number): Promise<StockAfter> {
  const [changed] = await work.query<StockAfter>(
    `UPDATE products SET stock = stock + $2::integer
     WHERE id = $1 AND archived_at IS NULL AND stock <= $3::integer - $2::integer
     RETURNING stock, sku`,
    [id, number, maxInt],
  );
  if (changed === undefined) {
    await stockOf(work, id);
    throw stockTooLarge();
  }
  // A separate statement: it runs under the lock of the row, so that it sees all received pieces.
  const [ledger] = await work.query<{ received: number | null }>(
    `SELECT sum(change) AS received FROM stock_changes
     WHERE product_id = $1 AND reason IN ('CREATED', 'ADDED', 'SUBTRACTED')`,
    [id],
  );
  if ((ledger?.received ?? 0) + number > maxInt) throw stockTooLarge();
  return changed;
}

async function subtract(
  work: ProductsTransaction,
  id: string,
  number: number,
): Promise<StockAfter> {
  const [changed] = await work.query<StockAfter>(
    `UPDATE products SET stock = stock - $2::integer
     WHERE id = $1 AND archived_at IS NULL AND stock >= $2::integer
     RETURNING stock, sku`,
    [id, number],
  );
  if (changed !== undefined) return changed;
  throw insufficientStock(id, number, await stockOf(work, id));
}

async function archive({ query }: ProductsTransaction, id: string): Promise<string> {
  const [archived] = await query<{ name: string }>(
    "UPDATE products SET archived_at = now() WHERE id = $1 AND archived_at IS NULL RETURNING name",
    [id],
  );
  if (archived === undefined) throw productNotFound(id);
  return archived.name;
}

/** Returns the stock of a product after a conditional update found no row. Throws PRODUCT_NOT_FOUND. */
async function stockOf({ models, transaction }: ProductsTransaction, id: string): Promise<number> {
  const where = { id, archived_at: null };
  const product = await models.products.findOne({ attributes: ["stock"], where, transaction });
  if (product === null) throw productNotFound(id);
  return product.stock;
}
