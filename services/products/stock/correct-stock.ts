import { userIdOf, type Sender } from "../../../core/access.ts";
import { maxInt } from "../../../core/validation.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { CorrectedStock, CorrectStock, ProductAuditAction } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { insufficientStock, productNotFound, stockTooLarge } from "../products.errors.ts";
import { recordCrossing, recordStockChange, recordStockUpdate } from "./stock-changes.ts";

/**
 * Sets the stock on hand of a product to the counted pieces, and its stock to these minus the held
 * reservations. The ledger gets the difference to its sum. Afterwards the audit finds no difference,
 * whatever the stock was before. Also works for deleted products. Throws PRODUCT_NOT_FOUND,
 * INSUFFICIENT_STOCK or BAD_USER_INPUT.
 */
export async function correctStock(
  database: ProductsDatabase,
  { id, onHand }: CorrectStock,
  sender: Sender,
): Promise<CorrectedStock> {
  return database.transaction(async (work) => {
    const [product] = await work.query<{ stock: number; sku: string | null; archived: boolean }>(
      `SELECT stock, sku, archived_at IS NOT NULL AS archived FROM products WHERE id = $1
       FOR NO KEY UPDATE`,
      [id],
    );
    if (product === undefined) throw productNotFound(id);
    // A separate statement: it runs under the lock of the row. A sale, which does not take this lock,
    // changes the sum of the ledger and the held pieces in one transaction, by the same number.
    const [sums] = await work.query<{ ledger: number; received: number; held: number }>(
      `SELECT coalesce(sum(change), 0)::float8 AS ledger,
         coalesce(sum(change) FILTER (WHERE reason IN ('CREATED', 'ADDED', 'SUBTRACTED')), 0)::float8
           AS received,
         (SELECT coalesce(sum(quantity), 0)::float8 FROM reservation_lines JOIN reservations
            USING (order_id) WHERE product_id = $1 AND state = 'HELD') AS held
       FROM stock_changes WHERE product_id = $1`,
      [id],
    );
    const { ledger, received, held } = sums ?? { ledger: 0, received: 0, held: 0 };
    const change = onHand - ledger;
    if (onHand < held) throw insufficientStock(id, held, onHand);
    if (received + change > maxInt) throw stockTooLarge("onHand");
    const stock = onHand - held;
    await work.query("UPDATE products SET stock = $2::integer WHERE id = $1", [id, stock]);
    if (change !== 0) {
      const reason = change > 0 ? "ADDED" : "SUBTRACTED";
      const userId = userIdOf(sender.actor);
      await recordStockChange(work, { productId: id, change, reason, userId });
    }
    await recordAudit<ProductAuditAction>(work.query, {
      action: "STOCK_COUNTED",
      sender,
      subjectId: id,
      detail: { onHand, change, stock, stockBefore: product.stock },
    });
    recordStockUpdate(work, id, "COUNTED", change);
    if (!product.archived) {
      const difference = stock - product.stock;
      recordCrossing(work, { product_id: id, change: difference, stock, sku: product.sku });
    }
    return { stock, onHand, held, change };
  });
}
