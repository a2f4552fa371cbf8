import { maxListRows, type Page } from "../../core/validation.ts";
import { groupsInOrderOf } from "../../mixins/reads.ts";
import type { ListedOrder, Order, OrderLine, OrderStep } from "./orders.contract.ts";
import type { OrdersDatabase } from "./orders.database.ts";
import { orderNotFound } from "./orders.errors.ts";

/** How many orders of a user their `orders` field shows. */
const ordersOfUser = 100;

/** One order with its lines. `ownerId`: only if it is theirs. Refuses with ORDER_NOT_FOUND. */
export async function getOrder(
  database: OrdersDatabase,
  id: string,
  ownerId: string | undefined,
): Promise<Order> {
  const order = await database.read((reads) => reads.findById(id));
  if (order === null || (ownerId !== undefined && order.userId !== ownerId)) throw orderNotFound();
  const [lines = []] = await linesOfOrders(database, [id], undefined);
  return {
    id: order.id,
    user_id: order.userId,
    price_total: order.priceTotal,
    quantity: order.quantity,
    status: order.status,
    order_products: lines,
  };
}

/** Orders, oldest first; of one owner or of all. */
export async function listOrders(
  { query }: OrdersDatabase,
  { limit = maxListRows, offset = 0 }: Page,
  ownerId: string | undefined,
): Promise<ListedOrder[]> {
  return query<ListedOrder>(
    `SELECT o.id, o.user_id, o.price_total, o.quantity, o.status, u.username
     FROM orders o LEFT JOIN known_users u ON u.id = o.user_id
     WHERE $1::uuid IS NULL OR o.user_id = $1::uuid
     ORDER BY o.id LIMIT $2 OFFSET $3`,
    [ownerId ?? null, limit, offset],
  );
}

/** The lines of several orders, in the order asked; none for an order of another owner. */
export async function linesOfOrders(
  { query }: OrdersDatabase,
  ids: string[],
  ownerId: string | undefined,
): Promise<OrderLine[][]> {
  const rows = await query<OrderLine & { order_id: string }>(
    `SELECT l.order_id, l.product_id, l.quantity, l.price
     FROM order_lines l JOIN orders o ON o.id = l.order_id
     WHERE l.order_id = ANY ($1::uuid[]) AND ($2::uuid IS NULL OR o.user_id = $2::uuid)
     ORDER BY l.order_id, l.product_id`,
    [ids, ownerId ?? null],
  );
  return groupsInOrderOf(ids, rows, ({ order_id }) => order_id).map((lines) =>
    lines.map(({ product_id, quantity, price }) => ({ product_id, quantity, price })),
  );
}

/** What happened to orders, in the order asked; nothing for an order of another owner. */
export async function historyOfOrders(
  { query }: OrdersDatabase,
  ids: string[],
  ownerId: string | undefined,
): Promise<(OrderStep & { user_id: string | null })[][]> {
  const rows = await query<
    Omit<OrderStep, "at"> & { order_id: string; user_id: string | null; at: Date }
  >(
    `SELECT h.order_id, h.status, h.user_id, h.at
     FROM order_history h JOIN orders o ON o.id = h.order_id
     WHERE h.order_id = ANY ($1::uuid[]) AND ($2::uuid IS NULL OR o.user_id = $2::uuid)
     ORDER BY h.order_id, h.step`,
    [ids, ownerId ?? null],
  );
  return groupsInOrderOf(ids, rows, ({ order_id }) => order_id).map((steps) =>
    steps.map(({ status, user_id, at }) => ({ status, user_id, at: at.toISOString() })),
  );
}

/** The newest orders of several users, in the order asked, newest first. */
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
    [userIds, ordersOfUser],
  );
  return groupsInOrderOf(userIds, rows, ({ user_id }) => user_id);
}
