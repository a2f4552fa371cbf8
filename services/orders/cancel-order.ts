import { assertCancellable } from "./order.ts";
import type { Order, OrderStatus } from "./orders.contract.ts";
import type { OrdersDatabase } from "./orders.database.ts";
import { orderNotFound } from "./orders.errors.ts";
import { getOrder } from "./read-orders.ts";

/**
 * Cancels an order; its stock goes back when products reads of it. Gives the order as it stands.
 * Refuses with ORDER_NOT_FOUND or ORDER_NOT_CANCELLABLE.
 *
 * @param ownerId whose order it must be; undefined for those who may cancel all
 * @param userId who cancels; null for the operator
 * @param withinSeconds how long after it was placed an order can be cancelled
 */
export async function cancelOrder(
  database: OrdersDatabase,
  id: string,
  ownerId: string | undefined,
  userId: string | null,
  withinSeconds: number,
): Promise<Order> {
  const order = await getOrder(database, id, ownerId);
  return database.transaction(async ({ query, record }) => {
    // The lock lets one of two at once be the second.
    const [current] = await query<{ status: OrderStatus; placed_at: Date; now: Date }>(
      "SELECT status, placed_at, now() AS now FROM orders WHERE id = $1 FOR NO KEY UPDATE",
      [id],
    );
    if (current === undefined) throw orderNotFound();
    const { status, placed_at, now } = current;
    assertCancellable({ status, placedAt: placed_at }, now, withinSeconds);
    await query(
      `WITH step AS (
         INSERT INTO order_history (order_id, step, status, user_id)
         SELECT order_id, max(step) + 1, 'CANCELLED', $2::uuid FROM order_history
         WHERE order_id = $1 GROUP BY order_id
       )
       UPDATE orders SET status = 'CANCELLED' WHERE id = $1`,
      [id, userId],
    );
    const lines = order.order_products.map(({ product_id, quantity }) => ({
      product_id,
      quantity,
    }));
    const { user_id } = order;
    record("order.cancelled", { order_id: id, user_id, cancelled_by: userId, lines });
    return { ...order, status: "CANCELLED" as const };
  });
}
