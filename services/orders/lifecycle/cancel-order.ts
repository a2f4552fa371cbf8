import type { Order, OrderStatus } from "../orders.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import { orderNotFound } from "../orders.errors.ts";
import { getOrder } from "../reading/read-orders.ts";
import { assertCancellable, transitions } from "./order-status.ts";
import { addStep } from "./order-steps.ts";

interface Cancellation {
  id: string;
  /** The user who must own the order; undefined for callers who may cancel any order. */
  ownerId: string | undefined;
  /** The user who cancels the order; null for the operator. */
  userId: string | null;
}

/**
 * Cancels an order. The products service restocks its lines when it consumes the event. Returns the
 * cancelled order. Throws ORDER_NOT_FOUND or ORDER_NOT_CANCELLABLE.
 *
 * @param withinSeconds how long after its placement an order can be cancelled
 */
export async function cancelOrder(
  database: OrdersDatabase,
  { id, ownerId, userId }: Cancellation,
  withinSeconds: number,
): Promise<Order> {
  const order = await getOrder(database, id, ownerId);
  return database.transaction(async ({ query, record }) => {
    // The lock serializes concurrent transitions, so that the second one sees the first.
    const [current] = await query<{ status: OrderStatus; placed_at: Date; now: Date }>(
      "SELECT status, placed_at, now() AS now FROM orders WHERE id = $1 FOR NO KEY UPDATE",
      [id],
    );
    if (current === undefined) throw orderNotFound();
    const { status, placed_at, now } = current;
    assertCancellable({ status, placedAt: placed_at }, now, withinSeconds);
    await addStep(query, id, transitions.cancel, { userId });
    const lines = order.order_products.map(({ product_id, quantity }) => ({
      product_id,
      quantity,
    }));
    const { user_id } = order;
    record("order.cancelled", { order_id: id, user_id, cancelled_by: userId, lines });
    return { ...order, status: transitions.cancel.to };
  });
}
