import type { Effect } from "../../core/contract.ts";
import type { OrderPlaced } from "../orders/orders.contract.ts";
import type { productsContract } from "./products.contract.ts";

/**
 * Turns the reservation of a placed order into a sale: a row of the ledger for each line. The
 * stock that can be ordered was taken when it was reserved. A second time, nothing happens.
 */
export async function sell(
  { query, record }: Effect<(typeof productsContract)["events"]>,
  order: OrderPlaced,
): Promise<void> {
  const sold = await query<{ product_id: string; stock: number }>(
    `WITH reservation AS (
       UPDATE reservations SET state = 'SOLD' WHERE order_id = $1 AND state = 'HELD'
       RETURNING order_id
     ), sold AS (
       INSERT INTO stock_changes (product_id, change, reason, order_id, user_id)
       SELECT product_id, -quantity, 'SOLD', order_id, $2
       FROM reservation_lines WHERE order_id = $1 AND EXISTS (SELECT FROM reservation)
       RETURNING product_id
     )
     SELECT product_id, (SELECT stock FROM products WHERE id = product_id)
     FROM sold ORDER BY product_id`,
    [order.order_id, order.user_id],
  );
  for (const { product_id, stock } of sold) {
    record("inventory.updated", { product_id, change: "SOLD", stock });
  }
}
