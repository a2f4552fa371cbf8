import type { Effect, EventEnvelope } from "../../../../core/contract.ts";
import { PermanentEventFailure } from "../../../../event-log/dead-letters/permanent-failure.ts";
import type { OrderPlaced } from "../../../orders/orders.contract.ts";
import type { InventoryUpdated, productsContract } from "../../products.contract.ts";

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
 * reservation has already reduced the available stock. A second call changes nothing. Rejects orders
 * without a reservation: an earlier backup was restored, and an operator must decide.
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
       -- The same rows as state = 'HELD'. With that condition, the planner could read the index of all
       -- held reservations.
       WHERE r.order_id = placed.order_id AND r.state NOT IN ('SOLD', 'CANCELLED')
       RETURNING r.order_id, placed.user_id, placed.place
     )
     INSERT INTO stock_changes (product_id, change, reason, order_id, user_id)
     SELECT l.product_id, -l.quantity, 'SOLD', l.order_id, sold.user_id
     -- OFFSET 0 makes PostgreSQL look up the lines of each order: it cannot know how many are sold, and
     -- might read all lines.
     FROM sold CROSS JOIN LATERAL (
       SELECT * FROM reservation_lines WHERE order_id = sold.order_id OFFSET 0
     ) l ORDER BY sold.place, l.product_id
     RETURNING order_id, product_id, change, user_id`,
    [ids, events.map(({ data }) => data.user_id)],
  );
  const missing = await unreserved(effect, ids, sold);
  if (missing.size > 0) {
    const failed = events.filter(({ data }) => missing.has(data.order_id));
    throw new PermanentEventFailure(
      new Map(
        failed.map(({ id, data }) => [id, `nothing was reserved for order ${data.order_id}`]),
      ),
    );
  }
  recordChanges(effect, events, "SOLD", sold);
}

/** Returns the orders that have no reservation. Orders that were changed now have one. */
export async function unreserved(
  { query }: ProductsEffect,
  orderIds: string[],
  changed: OrderChange[],
): Promise<Set<string>> {
  const changedIds = new Set(changed.map(({ order_id }) => order_id));
  const unchangedIds = orderIds.filter((id) => !changedIds.has(id));
  if (unchangedIds.length === 0) return new Set();
  const missing = await query<{ id: string }>(
    `SELECT id FROM unnest($1::uuid[]) AS asked (id)
     WHERE NOT EXISTS (SELECT FROM reservations WHERE order_id = id)`,
    [unchangedIds],
  );
  return new Set(missing.map(({ id }) => id));
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
