import { Batcher } from "../../../core/tasks/batcher.ts";
import { brokenConstraintOf } from "../../../database/errors/database-errors.ts";
import type { LogStart, RecordedEvent } from "../../../event-log/event-log.ts";
import type { IdempotentRequest } from "../../../database/idempotency.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { KnownServer } from "../../../database/statements/server-sessions.ts";
import type { Order } from "../orders.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";

/** An order with reserved stock that is not written yet. */
interface NewOrder {
  order: Order;
  /**
   * The server on which the reservation may not be durable: the write must prove that it still
   * exists. Undefined if the reservation is durable.
   */
  server: KnownServer | undefined;
  /** The time of an order that was taken elsewhere; undefined for now. */
  placedAt: Date | undefined;
  /** Created outside the batch, so that it carries the trace of its request. */
  event: RecordedEvent;
  /** The idempotent request. The statement that writes the order claims its key and stores its answer. */
  request: IdempotentRequest | undefined;
}

/** The order's id has a tombstone: it was settled before the order was written. */
export class TombstonedOrder extends Error {}

/**
 * The order was not written: its session was opened after the reservation, or on another server, and
 * a crash may have lost the reservation in between.
 */
export class UnprovenReservation extends Error {}

/** While two batches run, the next one collects orders. */
const batchOptions = { maxItems: 100, maxBatchesInFlight: 2 };

export type OrderBatcher = Batcher<NewOrder, Order | undefined>;

/**
 * Returns a batcher that writes a batch of orders in one statement and emits their events. It
 * returns undefined for an order whose key is already claimed.
 */
export function orderBatcher(database: OrdersDatabase): OrderBatcher {
  return new Batcher((orders) => writeBatch(database, orders), batchOptions);
}

/**
 * Writes an order. Returns the order, or that of a duplicate request. Throws TombstonedOrder or
 * UnprovenReservation.
 */
export async function writeOrder(
  database: OrdersDatabase,
  batcher: OrderBatcher,
  { order, placedAt, server }: Pick<NewOrder, "order" | "placedAt" | "server">,
): Promise<Order> {
  const { id, user_id, price_total, quantity, order_products: lines } = order;
  const data = { order_id: id, user_id, price_total, quantity, lines };
  const event = database.newEvent("order.placed", data);
  const written = await batcher.add({ order, placedAt, event, request: database.request, server });
  return written ?? writeAfterDuplicate(database, { order, placedAt, event, server });
}

/** Waits for the duplicate request with the same key. Returns its order, or writes this one. */
async function writeAfterDuplicate(
  database: OrdersDatabase,
  entry: Omit<NewOrder, "request">,
): Promise<Order> {
  let start: LogStart | undefined;
  const written = await database.transaction(async ({ query }) => {
    ({ start } = await insertOrders(query, [{ ...entry, request: undefined }]));
    return entry.order;
  });
  if (start !== undefined) database.emitFrom(start, [entry.event]);
  return written;
}

/**
 * Writes a batch of orders. A tombstone fails the whole statement, so each order is then tried alone,
 * one after the other: a session that opens for concurrent statements cannot prove the reservations.
 */
async function writeBatch(
  database: OrdersDatabase,
  orders: readonly NewOrder[],
): Promise<(Order | Error | undefined)[]> {
  // Duplicate requests have the same id, and a statement cannot claim a key twice.
  const firstById = new Map(orders.toReversed().map((entry) => [entry.order.id, entry]));
  const distinct = orders.filter((entry) => firstById.get(entry.order.id) === entry);
  try {
    const { ids, start } = await insertOrders(database.query, distinct);
    const written = distinct.filter(({ order }) => ids.has(order.id));
    if (start !== undefined) {
      database.emitFrom(
        start,
        written.map(({ event }) => event),
      );
    }
    return orders.map((entry) => (written.includes(entry) ? entry.order : undefined));
  } catch (error) {
    if (!(error instanceof TombstonedOrder)) throw error;
    if (orders.length === 1) return [error];
    const results: (Order | Error | undefined)[] = [];
    for (const entry of orders) results.push(...(await writeBatch(database, [entry])));
    return results;
  }
}

/**
 * Inserts orders with their lines, history, keys and events in one statement. Returns the ids of the
 * orders whose keys were free, and where their events begin in the log. Throws TombstonedOrder if
 * an order has a tombstone, and UnprovenReservation if a reservation may be lost.
 */
async function insertOrders(
  query: Query,
  orders: readonly NewOrder[],
): Promise<{ ids: Set<string>; start: LogStart | undefined }> {
  const lines = orders.flatMap(({ order }) =>
    order.order_products.map((line) => ({ order_id: order.id, ...line })),
  );
  const servers = orders.flatMap(({ server }) => server ?? []);
  const [server, ...otherServers] = new Set(servers.map((known) => known.server));
  if (otherServers.length > 0) throw new UnprovenReservation();
  const [done] = await query<LogStart & { ids: string[] | null }>(
    `WITH asked AS MATERIALIZED (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[],
                            $5::timestamptz[], $6::bytea[], $7::bytea[], $8::jsonb[])
         WITH ORDINALITY AS asked
           (id, user_id, price_total, quantity, placed_at, key, fingerprint, answer, number)
       -- The session was open on the server of the reservations before they were made.
       WHERE $14::text IS NULL OR (current_setting('shop.server', true) = $14
         AND nullif(current_setting('shop.opened_ms', true), '')::float8 < $15)
     ), claimed AS (
       INSERT INTO idempotency_keys AS kept (id, fingerprint, subject, answer)
       SELECT key, fingerprint, id, answer FROM asked WHERE key IS NOT NULL ORDER BY key
       ON CONFLICT (id) DO UPDATE SET answer = excluded.answer
         WHERE kept.answer IS NULL AND kept.fingerprint = excluded.fingerprint
           AND kept.subject = excluded.subject
       RETURNING id
     ), placed AS MATERIALIZED (
       SELECT * FROM asked WHERE key IS NULL OR key = ANY (ARRAY(SELECT id FROM claimed))
     ), first_steps AS (
       INSERT INTO order_history (order_id, step, status, user_id, at)
       SELECT id, 1, 'PLACED', user_id, coalesce(placed_at, now()) FROM placed RETURNING 1
     ), written AS (
       INSERT INTO orders (id, user_id, price_total, quantity)
       SELECT id, user_id, price_total, quantity FROM placed RETURNING 1
     ), lines AS (
       INSERT INTO order_lines (order_id, product_id, quantity, price)
       SELECT line.* FROM unnest($9::uuid[], $10::uuid[], $11::integer[], $12::integer[])
         AS line (order_id, product_id, quantity, price)
       WHERE order_id = ANY (ARRAY(SELECT id FROM placed)) RETURNING 1
     ), done AS MATERIALIZED (
       SELECT array_agg(id ORDER BY number) AS ids,
         jsonb_agg($13::jsonb -> (number::integer - 1) ORDER BY number) AS events
       FROM placed
       -- First all rows, then the log.
       WHERE (SELECT count(*) FROM first_steps) + (SELECT count(*) FROM written)
         + (SELECT count(*) FROM lines) > 0
     )
     SELECT ids, first_position, previous_id
     FROM done, append_events_chained(events) WHERE ids IS NOT NULL
     UNION ALL SELECT NULL, NULL, NULL WHERE NOT EXISTS (SELECT FROM asked)`,
    [
      orders.map(({ order }) => order.id),
      orders.map(({ order }) => order.user_id),
      orders.map(({ order }) => order.price_total),
      orders.map(({ order }) => order.quantity),
      orders.map(({ placedAt }) => placedAt ?? null),
      orders.map(({ request }) => request?.id ?? null),
      orders.map(({ request }) => request?.fingerprint ?? null),
      orders.map(({ order, request }) => (request === undefined ? null : JSON.stringify(order))),
      lines.map(({ order_id }) => order_id),
      lines.map(({ product_id }) => product_id),
      lines.map(({ quantity }) => quantity),
      lines.map(({ price }) => price),
      JSON.stringify(orders.map(({ event }) => event)),
      server ?? null,
      Math.min(...servers.map(({ atMs }) => atMs)),
    ],
  ).catch((error: unknown) => {
    throw brokenConstraintOf(error) === "order_history_pkey" ? new TombstonedOrder() : error;
  });
  if (done?.ids === null) throw new UnprovenReservation();
  return { ids: new Set(done?.ids), start: done };
}
