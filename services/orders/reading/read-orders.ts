import { Batcher } from "../../../core/tasks/batcher.ts";
import { groupsInOrderOf, inOrderOf } from "../../../database/rows-by-id.ts";
import {
  maxOrdersOfUser,
  type ListedOrder,
  type Order,
  type OrderLine,
  type OrderStep,
  type OrderSummary,
} from "../orders.contract.ts";
import { orderColumns } from "../order.model.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import { orderNotFound } from "../orders.errors.ts";

/** Returns an order with its lines. Throws ORDER_NOT_FOUND, also if `ownerId` does not own the order. */
export async function getOrder(
  database: OrdersDatabase,
  id: string,
  ownerId: string | undefined,
): Promise<Order> {
  const [[order], [[order_products = []] = []]] = await Promise.all([
    database.query<Omit<Order, "order_products">>(
      `SELECT ${orderColumns} FROM orders WHERE id = $1`,
      [id],
    ),
    readLines(database, [{ ids: [id], ownerId }]),
  ]);
  if (order === undefined || (ownerId !== undefined && order.user_id !== ownerId)) {
    throw orderNotFound();
  }
  return { ...order, order_products };
}

/** Returns orders in the order of the ids; null for an unknown id and for another owner's order. */
export async function ordersByIds(
  { query }: OrdersDatabase,
  ids: string[],
  ownerId: string | undefined,
): Promise<(OrderSummary | null)[]> {
  const rows = await query<OrderSummary>(
    `SELECT ${orderColumns} FROM orders
     WHERE id = ANY ($1::uuid[]) AND ($2::uuid IS NULL OR user_id = $2::uuid)`,
    [ids, ownerId ?? null],
  );
  return inOrderOf(ids, rows);
}

/** Larger batches gain little. While three batches run, the next one collects requests. */
const batchOptions = { maxItems: 100, maxBatchesInFlight: 3 };

/** A request for the lines of several orders. */
interface LinesRequest {
  ids: readonly string[];
  /** The user who must own the orders; undefined for callers who may see all orders. */
  ownerId: string | undefined;
}

/** Returns a batcher that reads the lines of orders. One statement serves a batch of requests. */
export function orderLines(database: OrdersDatabase): Batcher<LinesRequest, OrderLine[][]> {
  return new Batcher((requests) => readLines(database, requests), batchOptions);
}

/** Reads the lines for each request, in the order of its ids; no lines for another owner's order. */
async function readLines(
  { query }: OrdersDatabase,
  requests: readonly LinesRequest[],
): Promise<OrderLine[][][]> {
  const rows = await query<OrderLine & { order_id: string; user_id: string }>(
    // OFFSET 0 makes PostgreSQL look up the lines of each order, and the inner SELECT the product of
    // each line. Otherwise PostgreSQL might read all of a table that has grown since it was analyzed.
    `SELECT l.order_id, o.user_id, l.product_id, l.quantity, l.price, l.name
     FROM orders o CROSS JOIN LATERAL (
       SELECT *, (SELECT name FROM known_products WHERE id = product_id) FROM order_lines
       WHERE order_id = o.id OFFSET 0
     ) l
     WHERE o.id = ANY ($1::uuid[]) ORDER BY l.order_id, l.product_id`,
    [[...new Set(requests.flatMap(({ ids }) => ids))]],
  );
  const byOrder = Map.groupBy(rows, ({ order_id }) => order_id);
  return requests.map(({ ids, ownerId }) =>
    ids.map((id) => {
      const lines = byOrder.get(id) ?? [];
      if (ownerId !== undefined && lines[0]?.user_id !== ownerId) return [];
      return lines.map(({ product_id, quantity, price, name = null }) => ({
        product_id,
        quantity,
        price,
        name,
      }));
    }),
  );
}

/** Returns the status changes of orders in the order of the ids; none for another owner's order. */
export async function historyOfOrders(
  { query }: OrdersDatabase,
  ids: string[],
  ownerId: string | undefined,
): Promise<(OrderStep & { user_id: string | null })[][]> {
  const rows = await query<
    Omit<OrderStep, "at"> & { order_id: string; user_id: string | null; at: Date }
  >(
    `SELECT h.order_id, h.status, h.user_id, h.at, h.tracking
     FROM orders o CROSS JOIN LATERAL (
       SELECT * FROM order_history WHERE order_id = o.id OFFSET 0
     ) h
     WHERE o.id = ANY ($1::uuid[]) AND ($2::uuid IS NULL OR o.user_id = $2::uuid)
     ORDER BY h.order_id, h.step`,
    [ids, ownerId ?? null],
  );
  return groupsInOrderOf(ids, rows, ({ order_id }) => order_id).map((steps) =>
    steps.map(({ status, user_id, at, tracking }) => ({
      status,
      user_id,
      at: at.toISOString(),
      tracking,
    })),
  );
}

/** Returns the newest orders of users, newest first, in the order of the user ids. */
export async function ordersOfUsers(
  { query }: OrdersDatabase,
  userIds: string[],
): Promise<ListedOrder[][]> {
  const rows = await query<ListedOrder>(
    `SELECT o.id, o.user_id, o.price_total, o.quantity, o.status, k.username
     FROM unnest($1::uuid[]) AS u (id)
     CROSS JOIN LATERAL (
       SELECT * FROM orders WHERE user_id = u.id ORDER BY id DESC LIMIT $2
     ) o LEFT JOIN known_users k ON k.id = o.user_id
     ORDER BY o.user_id, o.id DESC`,
    [userIds, maxOrdersOfUser],
  );
  return groupsInOrderOf(userIds, rows, ({ user_id }) => user_id);
}
