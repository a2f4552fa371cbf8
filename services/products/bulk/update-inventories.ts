import { userIdOf, type Sender } from "../../../core/access.ts";
import type { ItemCheck } from "../../../core/item-check.ts";
import { recordAudits } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { BulkAnswer, ChangeInventory } from "./bulk.contract.ts";
import type { ProductAuditAction } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import {
  insufficientStock,
  productNotFound,
  stockOrChange,
  stockTooLarge,
} from "../products.errors.ts";
import { recordCrossing, recordStockUpdate } from "../stock/stock-changes.ts";
import { lockProducts } from "./bulk-locks.ts";
import { BulkResults } from "./bulk-results.ts";

/**
 * Changes the stock of the products of a batch. Of several changes of a product, only the first can
 * take effect. `stock` is the number of pieces that can be ordered afterwards: the ledger gets the
 * difference to the present stock, and reservations stay as they are.
 */
export async function updateInventories(
  database: ProductsDatabase,
  given: readonly object[],
  check: ItemCheck<ChangeInventory>,
  sender: Sender,
): Promise<BulkAnswer> {
  const checked = new BulkResults();
  const items = checked.valid(checked.firstOfProducts(given), check);
  const distinct = items.filter(({ index, item: { stock, change } }) => {
    const isClear = (stock === undefined) !== (change === undefined) && change !== 0;
    if (!isClear) checked.fail(index, stockOrChange());
    return isClear;
  });
  return database.transaction(async ({ query, record }) => {
    const results = new BulkResults(checked);
    const locked = await lockProducts(query, distinct);
    const found = distinct.filter(({ item }) => locked.has(item.id));
    const outcomes = await writeChanges(
      query,
      found.map(({ item }) => item),
      userIdOf(sender.actor),
    );
    const done = distinct.flatMap(({ index, item: { id, stock: newStock } }) => {
      const outcome = outcomes.get(id);
      if (outcome === undefined) {
        results.fail(index, productNotFound(id));
        return [];
      }
      const { version, old_stock, change, sku, is_due } = outcome;
      if (is_due) results.done(index, id, version);
      else if (change > 0) {
        results.fail(index, stockTooLarge(newStock === undefined ? "change" : "stock"));
      } else results.fail(index, insufficientStock(id, -change, old_stock));
      if (!is_due || change === 0) return [];
      return [{ id, change, stock: old_stock + change, sku, isSet: newStock !== undefined }];
    });
    await recordAudits<ProductAuditAction>(
      query,
      sender,
      done.map((item) => ({ subjectId: item.id, ...auditOf(item) })),
    );
    for (const { id, change, stock, sku } of done) {
      recordStockUpdate({ record }, id, change > 0 ? "ADDED" : "SUBTRACTED", change);
      recordCrossing({ record }, { product_id: id, change, stock, sku });
    }
    return results.answer();
  });
}

interface Done {
  change: number;
  stock: number;
  /** The caller gave the stock, not the change. */
  isSet: boolean;
}

/** Returns what the caller did. Ledger and event have the difference, as for the other changes. */
function auditOf({ change, stock, isSet }: Done) {
  if (isSet) {
    const detail = { stock, stockBefore: stock - change };
    return { action: "STOCK_SET" as const, detail };
  }
  const detail = { number: Math.abs(change), stock };
  return { action: change > 0 ? ("STOCK_ADDED" as const) : ("STOCK_SUBTRACTED" as const), detail };
}

/** What became of the change of a locked product. */
interface Outcome {
  product_id: string;
  sku: string | null;
  version: number;
  old_stock: number;
  /** The difference in pieces; 0 if the product has the stock already. */
  change: number;
  /** False if the stock would become negative or too large. */
  is_due: boolean;
}

/**
 * Changes the stock of locked products and their ledgers. Leaves out a product whose stock would
 * become negative, or which would have received more pieces than a stock can hold: sold pieces may
 * be returned, and a return must never fail.
 */
async function writeChanges(
  query: Query,
  changes: ChangeInventory[],
  userId: string | null,
): Promise<Map<string, Outcome>> {
  const outcomes = await query<Outcome>(
    `WITH item AS MATERIALIZED (
       SELECT product_id, p.sku, p.version, p.stock AS old_stock,
         coalesce(new_stock::bigint - p.stock, added) AS change
       FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS asked (product_id, new_stock, added)
       JOIN products p ON p.id = product_id
     ), checked AS MATERIALIZED (
       SELECT *, CASE WHEN change <= 0 THEN old_stock + change >= 0 ELSE change + (
         SELECT sum(c.change) FROM stock_changes c
         WHERE c.product_id = item.product_id AND reason IN ('CREATED', 'ADDED', 'SUBTRACTED')
       ) <= 2147483647 END AS is_due
       FROM item
     ), due AS MATERIALIZED (
       SELECT product_id, change::integer AS change FROM checked WHERE is_due AND change <> 0
     ), updated AS (
       UPDATE products p SET stock = p.stock + due.change FROM due WHERE p.id = product_id
     ), ledger AS (
       INSERT INTO stock_changes (product_id, change, reason, user_id)
       SELECT product_id, change, CASE WHEN change > 0 THEN 'ADDED' ELSE 'SUBTRACTED' END, $4::uuid
       FROM due
     )
     SELECT product_id, sku, version, old_stock, change, is_due FROM checked`,
    [
      changes.map(({ id }) => id),
      changes.map(({ stock }) => stock ?? null),
      changes.map(({ change }) => change ?? null),
      userId,
    ],
  );
  return new Map(outcomes.map((outcome) => [outcome.product_id, outcome]));
}
