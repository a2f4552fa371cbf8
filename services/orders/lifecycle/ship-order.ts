import type { Order, ShipOrder } from "../orders.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import { getOrder } from "../reading/read-orders.ts";
import { transitions } from "./order-status.ts";
import { takeStep } from "./order-steps.ts";

/**
 * Marks an order as shipped. It can then no longer be cancelled. Returns the order. Throws
 * ORDER_NOT_FOUND or ORDER_NOT_SHIPPABLE.
 *
 * @param userId the admin who ships the order; null for the operator
 */
export async function shipOrder(
  database: OrdersDatabase,
  { id, tracking }: ShipOrder,
  userId: string | null,
): Promise<Order> {
  const order = await getOrder(database, id, undefined);
  return database.transaction(async ({ query, record }) => {
    await takeStep(query, id, transitions.ship, { userId, tracking });
    record("order.shipped", { order_id: id, user_id: order.user_id, shipped_by: userId });
    return { ...order, status: transitions.ship.to };
  });
}
