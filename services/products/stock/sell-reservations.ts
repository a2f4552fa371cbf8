import type { Effect, EventEnvelope } from "../../../core/contract.ts";
import type { OrderPlaced } from "../../orders/orders.contract.ts";
import type { InventoryUpdated, productsContract } from "../products.contract.ts";

export type ProductsEffect = Effect<(typeof productsContract)["events"]>;

/** A change of a product's stock on hand by an order: a row of the ledger. */
export interface OrderChange {
  order_id: string;
  product_id: string;
  change: number;
  user_id: string | null;
}

/**
 * Turns the reservations of placed orders into sales: writes a row of the ledger for each line. The
 * reservation has already reduced the available stock. A second call changes nothing.
 */
export async function sellReservations(
  events: EventEnvelope<OrderPlaced>[],
  effect: ProductsEffect,
): Promise<void> {
  const ids = events.map(({ data }) => data.order_id);
  const sold = await effect.query<OrderChange>(
    `WITH sold AS (
       UPDATE reservations r SET state = 'SOLD', expires_at = NULL
       FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS placed (order_id, user_id, place)
       -- Those that are held; said otherwise, so that no plan goes through all that are.
       WHERE r.order_id = placed.order_id AND r.state NOT IN ('SOLD', 'CANCELLED')
       RETURNING r.order_id, placed.user_id, placed.place
     )
     INSERT INTO stock_changes (product_id, change, reason, order_id, user_id)
     SELECT l.product_id, -l.quantity, 'SOLD', l.order_id, sold.user_id
     FROM sold JOIN reservation_lines l USING (order_id) ORDER BY sold.place, l.product_id
     RETURNING order_id, product_id, change, user_id`,
    [ids, events.map(({ data }) => data.user_id)],
  );
  await assertReserved(effect, ids, sold);
  recordChanges(effect, events, "SOLD", sold);
}

/**
 * Throws if an order was not changed now and has no reservation: its stock was never reserved, and
 * an operator must investigate.
 */
export async function assertReserved(
  { query }: ProductsEffect,
  orderIds: string[],
  changed: OrderChange[],
): Promise<void> {
  const changedIds = new Set(changed.map(({ order_id }) => order_id));
  const unchangedIds = orderIds.filter((id) => !changedIds.has(id));
  if (unchangedIds.length === 0) return;
  const missing = await query<{ id: string }>(
    `SELECT id FROM unnest($1::uuid[]) AS asked (id)
     WHERE NOT EXISTS (SELECT FROM reservations WHERE order_id = id)`,
    [unchangedIds],
  );
  if (missing.length === 0) return;
  throw new Error(`nothing was reserved for order ${missing.map(({ id }) => id).join(", ")}`);
}

/** Records an event for each change, in the order of the causing events. */
export function recordChanges(
  { record }: ProductsEffect,
  causes: EventEnvelope<{ order_id: string }>[],
  change: InventoryUpdated["change"],
  changes: OrderChange[],
): void {
  const byOrder = Map.groupBy(changes, ({ order_id }) => order_id);
  for (const cause of causes) {
    const { order_id } = cause.data;
    for (const { product_id, change: number } of byOrder.get(order_id) ?? []) {
      record("inventory.updated", { product_id, change, number, order_id }, cause);
    }
  }
}
