import { lowestId } from "../../../core/relay-connection.ts";
import { readBatcher } from "../../../core/tasks/batcher.ts";
import { maxListRows, type ListPage } from "../../../core/validation.ts";
import type { ListedOrder } from "../orders.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";

/** A page of the orders of one owner, or of all users. */
interface OrdersPage extends ListPage {
  ownerId: string | undefined;
  /** Whether the caller wants the lines of the orders, too. Orders of all users are without them. */
  hasLines: boolean;
}

type WithLines = Required<ListedOrder>;
type OwnersPage = Required<ListPage> & { ownerId: string };

/** Larger batches gain little. While three batches run, the next one collects requests. */
const batchOptions = { maxItems: 100, maxBatchesInFlight: 3 };

/** Returns a reader of pages of orders, oldest first. One statement reads the pages of many owners. */
export function orderPages(database: OrdersDatabase): (page: OrdersPage) => Promise<ListedOrder[]> {
  const batcherOf = (read: typeof pagesOfOwners) =>
    readBatcher((pages: OwnersPage[]) => read(database, pages), batchOptions);
  const withLines = batcherOf(pagesWithLines);
  const withoutLines = batcherOf(pagesOfOwners);
  return ({ ownerId, limit = maxListRows, offset = 0, after = lowestId, hasLines }) => {
    if (ownerId === undefined) return pageOfAll(database, { limit, offset, after });
    return (hasLines ? withLines : withoutLines).add({ ownerId, limit, offset, after });
  };
}

async function pageOfAll(
  { query }: OrdersDatabase,
  { limit, offset, after }: Required<ListPage>,
): Promise<ListedOrder[]> {
  return query<ListedOrder>(
    `SELECT o.id, o.user_id, o.price_total, o.quantity, o.status, u.username
     FROM (SELECT * FROM orders WHERE id > $3::uuid ORDER BY id LIMIT $1 OFFSET $2) o
     LEFT JOIN known_users u ON u.id = o.user_id ORDER BY o.id`,
    [limit, offset, after],
  );
}

const pageColumns = `asked.page::integer,
  o.id, o.user_id, o.price_total, o.quantity, o.status, u.username`;
/** The orders of the pages in the result of `parametersOf`. */
const pagesFrom = `FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::uuid[])
    WITH ORDINALITY AS asked (owner_id, row_limit, row_offset, after, page)
  LEFT JOIN known_users u ON u.id = asked.owner_id
  CROSS JOIN LATERAL (
    SELECT * FROM orders WHERE user_id = asked.owner_id AND id > asked.after
    ORDER BY id LIMIT asked.row_limit OFFSET asked.row_offset
  ) o`;

/** Reads a page of each owner, in the order of `pages`. */
async function pagesOfOwners(
  { query }: OrdersDatabase,
  pages: readonly OwnersPage[],
): Promise<ListedOrder[][]> {
  const rows = await query<ListedOrder & { page: number }>(
    `SELECT ${pageColumns} ${pagesFrom} ORDER BY asked.page, o.id`,
    parametersOf(pages),
  );
  const grouped: ListedOrder[][] = pages.map(() => []);
  for (const { page, id, user_id, price_total, quantity, status, username } of rows) {
    grouped[page - 1]?.push({ id, user_id, price_total, quantity, status, username });
  }
  return grouped;
}

interface PageLine extends ListedOrder {
  page: number;
  /** Null for an order without lines. */
  product_id: string | null;
  line_quantity: number;
  price: number;
  name: string | null;
}

/**
 * Like `pagesOfOwners`, with the lines of each order, sorted by product. One row for each line costs
 * PostgreSQL two thirds of the CPU time of a JSON array for each order. PostgreSQL cannot know how many
 * orders the pages have, and might read all lines and products. OFFSET 0 makes it look up the lines
 * of each order, and the inner SELECT the product of each line.
 */
async function pagesWithLines(
  { query }: OrdersDatabase,
  pages: readonly OwnersPage[],
): Promise<ListedOrder[][]> {
  const rows = await query<PageLine>(
    `SELECT ${pageColumns}, l.product_id, l.quantity AS line_quantity, l.price, l.name
     ${pagesFrom}
     LEFT JOIN LATERAL (
       SELECT *, (SELECT name FROM known_products WHERE id = product_id) FROM order_lines
       WHERE order_id = o.id OFFSET 0
     ) l ON true
     ORDER BY asked.page, o.id, l.product_id`,
    parametersOf(pages),
  );
  const grouped: WithLines[][] = pages.map(() => []);
  let order: WithLines | undefined;
  for (const row of rows) {
    // The rows of an order follow each other. Pages of one owner can have the same order.
    const page = grouped[row.page - 1];
    if (order?.id !== row.id || page?.at(-1) !== order) {
      const { id, user_id, price_total, quantity, status, username } = row;
      order = { id, user_id, price_total, quantity, status, username, order_products: [] };
      page?.push(order);
    }
    const { product_id, line_quantity: quantity, price, name } = row;
    if (product_id !== null) order.order_products.push({ product_id, quantity, price, name });
  }
  return grouped;
}

function parametersOf(pages: readonly OwnersPage[]): unknown[] {
  return [
    pages.map(({ ownerId }) => ownerId),
    pages.map(({ limit }) => limit),
    pages.map(({ offset }) => offset),
    pages.map(({ after }) => after),
  ];
}
