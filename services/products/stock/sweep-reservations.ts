import type { TypedCaller } from "../../../core/define-service.ts";
import type { ordersContract } from "../../orders/orders.contract.ts";
import { releaseReservations } from "./release-reservations.ts";
import type { ProductsDatabase } from "../products.database.ts";

/** How often each replica looks for reservations whose time is over. */
export const sweepEveryMs = 1_000;
/** Orders asked for at once. */
const batch = 100;

/**
 * Asks orders what became of reservations that have outlived their time. For an order that is not
 * there, orders promises first that it will never be; only then its stock goes back. One that was
 * placed waits for its event. Replicas do not ask for the same ones: who asks moves the time on.
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
    [ttlSeconds, batch],
  );
  if (expired.length === 0) return;
  const ids = expired.map(({ order_id }) => order_id);
  const { void: never } = await orders.call("orders.settle", { ids });
  if (never.length > 0) await releaseReservations(database, never);
}
