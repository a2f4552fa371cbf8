import { lowestId } from "../../core/relay-connection.ts";
import { Batcher } from "../../core/batcher.ts";
import { maxListRows, type ListPage } from "../../core/validation.ts";
import { groupsInOrderOf } from "../../database/rows-by-id.ts";
import {
  maxOrdersOfUser,
  type ListedOrder,
  type Order,
  type OrderLine,
  type OrderStep,
} from "./orders.contract.ts";
import { orderColumns } from "./order.model.ts";
import type { OrdersDatabase } from "./orders.database.ts";
import { orderNotFound } from "./orders.errors.ts";

/** One order with its lines. `ownerId`: only if it is theirs. Refuses with ORDER_NOT_FOUND. */
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

/** A page of the orders of one owner, or of all. */
interface OrdersPage extends ListPage {
  ownerId: string | undefined;
}

/** More in one statement gain little. */
const maxLookups = 100;
/** Statements at a time: while they run, the next one gathers. */
const maxStatements = 3;
const crowded = { maxItems: maxLookups, maxBatchesInFlight: maxStatements };

/** Orders, oldest first. Pages of owners that are asked for together are read by one statement. */
export function orderPages({
  query,
}: OrdersDatabase): (page: OrdersPage) => Promise<ListedOrder[]> {
  const ofOwners = new Batcher<OrdersPage, ListedOrder[]>(async (pages) => {
    const rows = await query<ListedOrder & { page: number }>(
      `SELECT asked.page::integer, o.id, o.user_id, o.price_total, o.quantity, o.status, u.username
       FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::uuid[])
         WITH ORDINALITY AS asked (owner_id, row_limit, row_offset, after, page)
       CROSS JOIN LATERAL (
         SELECT * FROM orders WHERE user_id = asked.owner_id AND id > asked.after
         ORDER BY id LIMIT asked.row_limit OFFSET asked.row_offset
       ) o LEFT JOIN known_users u ON u.id = o.user_id
       ORDER BY asked.page, o.id`,
      [
        pages.map(({ ownerId }) => ownerId),
        pages.map(({ limit = maxListRows }) => limit),
        pages.map(({ offset = 0 }) => offset),
        pages.map(({ after = lowestId }) => after),
      ],
    );
    const grouped: ListedOrder[][] = pages.map(() => []);
    for (const { page, ...order } of rows) grouped[page - 1]?.push(order);
    return grouped;
  }, crowded);

  return (page) => {
    const { ownerId, limit = maxListRows, offset = 0, after = lowestId } = page;
    if (ownerId !== undefined) return ofOwners.add(page);
    return query<ListedOrder>(
      `SELECT o.id, o.user_id, o.price_total, o.quantity, o.status, u.username
       FROM (SELECT * FROM orders WHERE id > $3::uuid ORDER BY id LIMIT $1 OFFSET $2) o
       LEFT JOIN known_users u ON u.id = o.user_id ORDER BY o.id`,
      [limit, offset, after],
    );
  };
}

/** Several orders, and whose they have to be. */
interface LinesOf {
  ids: readonly string[];
  ownerId: string | undefined;
}

/** The lines of several orders; those that are asked for together are read by one statement. */
export function orderLines(database: OrdersDatabase): Batcher<LinesOf, OrderLine[][]> {
  return new Batcher((asked) => readLines(database, asked), crowded);
}

/** For each who asks, the lines of their orders in the order asked; none for another owner's. */
async function readLines(
  { query }: OrdersDatabase,
  asked: readonly LinesOf[],
): Promise<OrderLine[][][]> {
  const rows = await query<OrderLine & { order_id: string; user_id: string }>(
    `SELECT l.order_id, o.user_id, l.product_id, l.quantity, l.price, p.name
     FROM order_lines l JOIN orders o ON o.id = l.order_id
     LEFT JOIN known_products p ON p.id = l.product_id
     WHERE l.order_id = ANY ($1::uuid[]) ORDER BY l.order_id, l.product_id`,
    [[...new Set(asked.flatMap(({ ids }) => ids))]],
  );
  const byOrder = Map.groupBy(rows, ({ order_id }) => order_id);
  return asked.map(({ ids, ownerId }) =>
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
    [userIds, maxOrdersOfUser],
  );
  return groupsInOrderOf(userIds, rows, ({ user_id }) => user_id);
}
