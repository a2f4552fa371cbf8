import type { OrdersDatabase } from "../orders.database.ts";

/**
 * Decides finally which ids are orders. An id without an order gets a tombstone, and a later attempt
 * to place it fails. Waits for attempts in progress. Returns the ids with tombstones.
 */
export async function settleOrders({ query }: OrdersDatabase, ids: string[]): Promise<string[]> {
  await query(
    `INSERT INTO order_history (order_id, step, status)
     SELECT id, 1, 'VOID' FROM unnest($1::uuid[]) AS asked (id) ORDER BY id
     ON CONFLICT DO NOTHING`,
    [ids],
  );
  const tombstones = await query<{ order_id: string }>(
    `SELECT order_id FROM order_history
     WHERE order_id = ANY ($1::uuid[]) AND step = 1 AND status = 'VOID'`,
    [ids],
  );
  return tombstones.map(({ order_id }) => order_id);
}
