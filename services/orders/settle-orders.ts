import type { OrdersDatabase } from "./orders.database.ts";

/**
 * Decides of order ids what they are for good: one that is no order yet becomes void, and a later
 * attempt to place it fails. Gives those that are void. An attempt under way is waited for.
 */
export async function settleOrders({ query }: OrdersDatabase, ids: string[]): Promise<string[]> {
  await query(
    `INSERT INTO order_history (order_id, step, status)
     SELECT id, 1, 'VOID' FROM unnest($1::uuid[]) AS asked (id) ORDER BY id
     ON CONFLICT DO NOTHING`,
    [ids],
  );
  const never = await query<{ order_id: string }>(
    `SELECT order_id FROM order_history
     WHERE order_id = ANY ($1::uuid[]) AND step = 1 AND status = 'VOID'`,
    [ids],
  );
  return never.map(({ order_id }) => order_id);
}
