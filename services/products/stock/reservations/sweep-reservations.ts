import type { TypedCaller } from "../../../../core/define-service.ts";
import type { ordersContract } from "../../../orders/orders.contract.ts";
import { releaseReservations } from "./release-reservations.ts";
import type { ProductsDatabase } from "../../products.database.ts";

/** How often each replica looks for expired reservations. */
export const sweepEveryMs = 1_000;
const maxSweptOrders = 100;

/**
 * Settles expired reservations with the orders service. If an order does not exist, orders first
 * writes a tombstone for it; only then is the reservation released. The reservation of a placed
 * order waits for the order's event. The sweep extends the expiry, so that replicas do not settle
 * the same orders.
 */
export async function sweepReservations(
  database: ProductsDatabase,
  orders: TypedCaller<typeof ordersContract>,
  ttlSeconds: number,
): Promise<void> {
  const expired = await database.query<{ order_id: string }>(
    `UPDATE reservations SET expires_at = now() + $1 * interval '1 second'
     WHERE order_id IN (
       SELECT order_id FROM reservations WHERE state = 'HELD' AND expires_at < now()
       ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
     ) RETURNING order_id`,
    [ttlSeconds, maxSweptOrders],
  );
  if (expired.length === 0) return;
  const ids = expired.map(({ order_id }) => order_id);
  const { void: tombstones } = await orders.call("orders.settle", { ids });
  if (tombstones.length > 0) await releaseReservations(database, tombstones);
}
