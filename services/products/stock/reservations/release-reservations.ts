import type { DataOf, EventEnvelope } from "../../../../core/contract.ts";
import type { OrderCancelled } from "../../../orders/orders.contract.ts";
import type { productsContract, ReservationLine } from "../../products.contract.ts";
import type { ProductsDatabase } from "../../products.database.ts";
import {
  recordChanges,
  unreserved,
  type OrderChange,
  type ProductsEffect,
} from "./sell-reservations.ts";

/**
 * Releases held reservations whose orders will never be placed. Ignores reservations that are not
 * held. Returns the ids of the released ones.
 */
export async function releaseReservations(
  database: ProductsDatabase,
  orderIds: string[],
): Promise<string[]> {
  return database.transaction(async ({ query, record }) => {
    const held = await query<{ order_id: string }>(
      `SELECT order_id FROM reservations WHERE order_id = ANY ($1::uuid[]) AND state = 'HELD'
       ORDER BY order_id FOR UPDATE`,
      [orderIds],
    );
    const ids = held.map(({ order_id }) => order_id);
    if (ids.length === 0) return [];
    const lines = await query<ReservationLine>(
      `DELETE FROM reservation_lines WHERE order_id = ANY ($1::uuid[])
       RETURNING product_id, quantity`,
      [ids],
    );
    for (const data of await restock({ query }, lines)) record("inventory.replenished", data);
    await query("DELETE FROM reservations WHERE order_id = ANY ($1::uuid[])", [ids]);
    return ids;
  });
}

/**
 * Restocks the lines of cancelled orders exactly once. A sold line becomes a return in the ledger; a
 * line that was only held is released. The order of a lost reservation took nothing: it is marked as
 * cancelled, so that its dead letter of `order.placed` takes nothing either.
 */
export async function restockCancelledOrders(
  events: EventEnvelope<OrderCancelled>[],
  effect: ProductsEffect,
): Promise<void> {
  const ids = events.map(({ data }) => data.order_id);
  const cancelled = await effect.query<OrderChange & { state: string }>(
    `WITH before AS (
       SELECT r.order_id, r.state, asked.user_id, asked.place
       FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (order_id, user_id, place)
       JOIN reservations r USING (order_id) WHERE r.state <> 'CANCELLED'
       ORDER BY r.order_id FOR UPDATE OF r
     ), marked AS (
       UPDATE reservations r SET state = 'CANCELLED', expires_at = NULL
       FROM before WHERE r.order_id = before.order_id
     )
     SELECT l.order_id, l.product_id, l.quantity AS change, before.user_id, before.state
     FROM before CROSS JOIN LATERAL (
       SELECT * FROM reservation_lines WHERE order_id = before.order_id OFFSET 0
     ) l ORDER BY before.place, l.product_id`,
    [ids, events.map(({ data }) => data.cancelled_by)],
  );
  const lines = cancelled.map(({ product_id, change }) => ({ product_id, quantity: change }));
  const replenished = await restock(effect, lines);
  const returned = cancelled.filter(({ state }) => state === "SOLD");
  await effect.query(
    `INSERT INTO stock_changes (product_id, change, reason, order_id, user_id)
     SELECT product_id, change, 'RETURNED', order_id, user_id
     FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::uuid[]) WITH ORDINALITY
       AS back (product_id, change, order_id, user_id, place) ORDER BY place`,
    [
      returned.map(({ product_id }) => product_id),
      returned.map(({ change }) => change),
      returned.map(({ order_id }) => order_id),
      returned.map(({ user_id }) => user_id),
    ],
  );
  await effect.query(
    `INSERT INTO reservations (order_id, state)
     SELECT id, 'CANCELLED' FROM unnest($1::uuid[]) AS lost (id) ON CONFLICT DO NOTHING`,
    [[...(await unreserved(effect, ids, cancelled))]],
  );
  recordChanges(effect, events, "RETURNED", returned);
  for (const data of replenished) {
    const cause = events.find(({ data: { lines: restocked } }) =>
      restocked.some(({ product_id }) => product_id === data.product_id),
    );
    effect.record("inventory.replenished", data, cause);
  }
}

type Replenished = DataOf<(typeof productsContract)["events"]["inventory.replenished"]>;

/**
 * Adds pieces to the stock. Locks products in the order of their ids, which prevents deadlocks.
 * Returns the products of the catalogue that were sold out.
 */
async function restock(
  { query }: Pick<ProductsEffect, "query">,
  lines: ReservationLine[],
): Promise<Replenished[]> {
  const restocked = await query<Replenished & { was_sold_out: boolean }>(
    `WITH back AS (
       SELECT id, sum(quantity)::integer AS quantity
       FROM unnest($1::uuid[], $2::integer[]) AS line (id, quantity) GROUP BY id
     ), locked AS (
       SELECT p.id FROM products p JOIN back USING (id) ORDER BY p.id FOR NO KEY UPDATE OF p
     )
     UPDATE products p SET stock = p.stock + back.quantity
     FROM back JOIN locked USING (id) WHERE p.id = back.id
     RETURNING p.id AS product_id, p.sku, p.stock,
       p.stock = back.quantity AND p.archived_at IS NULL AS was_sold_out`,
    [lines.map(({ product_id }) => product_id), lines.map(({ quantity }) => quantity)],
  );
  return restocked.flatMap(({ was_sold_out, ...data }) => (was_sold_out ? [data] : []));
}
