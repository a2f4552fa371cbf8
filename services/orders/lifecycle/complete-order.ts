import type { Order } from "../orders.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import { getOrder } from "../reading/read-orders.ts";
import { transitions } from "./order-status.ts";
import { takeStep } from "./order-steps.ts";

/**
 * Marks a shipped order as delivered. Returns the order. Throws ORDER_NOT_FOUND or
 * ORDER_NOT_COMPLETABLE.
 *
 * @param userId the admin who completes the order; null for the operator
 */
export async function completeOrder(
  database: OrdersDatabase,
  id: string,
  userId: string | null,
): Promise<Order> {
  const order = await getOrder(database, id, undefined);
  return database.transaction(async ({ query, record }) => {
    await takeStep(query, id, transitions.complete, { userId });
    record("order.delivered", { order_id: id, user_id: order.user_id, delivered_by: userId });
    return { ...order, status: transitions.complete.to };
  });
}
