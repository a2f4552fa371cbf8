import { Batcher } from "../../core/batcher.ts";
import { brokenConstraintOf } from "../../database/database-errors.ts";
import type { RecordedEvent } from "../../event-log/event-log.ts";
import type { IdempotentRequest } from "../../database/idempotency.ts";
import type { Query } from "../../database/prepared-statements.ts";
import type { Order } from "./orders.contract.ts";
import type { OrdersDatabase } from "./orders.database.ts";

/** An order that holds its stock, and is about to be written. */
interface NewOrder {
  order: Order;
  /** Made with the request that it belongs to. */
  event: RecordedEvent;
  /** Where the request came with a key, which is claimed, and its answer kept, with the order. */
  request: IdempotentRequest | undefined;
}

/** The id was settled as one that never becomes an order, while this one was on its way. */
export class TombstonedOrder extends Error {}

/** Orders in one statement. */
const maxBatchItems = 100;
/** Statements at a time: while they run, the next one gathers. */
const maxStatements = 2;

export type OrderBatcher = Batcher<NewOrder, Order | undefined>;

/**
 * Writes orders, those that come together in one statement, and tells of them. Gives undefined for
 * one whose key is claimed already.
 */
export function orderBatcher(database: OrdersDatabase): OrderBatcher {
  return new Batcher((orders) => writeBatch(database, orders), {
    maxItems: maxBatchItems,
    maxBatchesInFlight: maxStatements,
  });
}

/** Writes one order. Gives it as it stands. Throws VoidOrder. */
export async function writeOrder(
  database: OrdersDatabase,
  writing: OrderBatcher,
  order: Order,
): Promise<Order> {
  const { id, user_id, price_total, quantity, order_products: lines } = order;
  const data = { order_id: id, user_id, price_total, quantity, lines };
  const event = database.newEvent("order.placed", data);
  const written = await writing.add({ order, event, request: database.request });
  return written ?? writeAfterDuplicate(database, { order, event });
}

/** Waits for the twin that has claimed the key, and gives its order, or writes this one. */
async function writeAfterDuplicate(
  database: OrdersDatabase,
  { order, event }: Omit<NewOrder, "request">,
): Promise<Order> {
  let firstPosition: number | undefined;
  const stands = await database.transaction(async ({ query }) => {
    ({ firstPosition } = await insertOrders(query, [{ order, event, request: undefined }]));
    return order;
  });
  if (firstPosition !== undefined) database.emitFrom(firstPosition, [event]);
  return stands;
}

/** A void order fails the statement for all: then each is tried alone. */
async function writeBatch(
  database: OrdersDatabase,
  orders: readonly NewOrder[],
): Promise<(Order | Error | undefined)[]> {
  // Twins have one id, and no statement can claim a key twice.
  const first = new Map(orders.toReversed().map((one) => [one.order.id, one]));
  const distinct = orders.filter((one) => first.get(one.order.id) === one);
  try {
    const { ids, firstPosition } = await insertOrders(database.query, distinct);
    const written = distinct.filter(({ order }) => ids.has(order.id));
    if (firstPosition !== undefined) {
      database.emitFrom(
        firstPosition,
        written.map(({ event }) => event),
      );
    }
    return orders.map((one) => (written.includes(one) ? one.order : undefined));
  } catch (error) {
    if (!(error instanceof TombstonedOrder)) throw error;
    if (orders.length === 1) return [error];
    return (await Promise.all(orders.map((one) => writeBatch(database, [one])))).flat();
  }
}

/**
 * Adds orders with their lines, first steps, keys and events, in one statement. Gives the ids of
 * those whose keys were free, and the position of the first one's event. Throws VoidOrder where
 * one of them can never be.
 */
async function insertOrders(
  query: Query,
  orders: readonly NewOrder[],
): Promise<{ ids: Set<string>; firstPosition: number | undefined }> {
  const lines = orders.flatMap(({ order }) =>
    order.order_products.map((line) => ({ order_id: order.id, ...line })),
  );
  const [done] = await query<{ ids: string[] | null; first_position: number | null }>(
    `WITH asked AS MATERIALIZED (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[],
                            $5::bytea[], $6::bytea[], $7::jsonb[])
         WITH ORDINALITY AS asked (id, user_id, price_total, quantity, key, fingerprint, answer, place)
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
       INSERT INTO order_history (order_id, step, status, user_id)
       SELECT id, 1, 'PLACED', user_id FROM placed RETURNING 1
     ), written AS (
       INSERT INTO orders (id, user_id, price_total, quantity)
       SELECT id, user_id, price_total, quantity FROM placed RETURNING 1
     ), lines AS (
       INSERT INTO order_lines (order_id, product_id, quantity, price)
       SELECT line.* FROM unnest($8::uuid[], $9::uuid[], $10::integer[], $11::integer[])
         AS line (order_id, product_id, quantity, price)
       WHERE order_id = ANY (ARRAY(SELECT id FROM placed)) RETURNING 1
     )
     SELECT array_agg(id ORDER BY place) AS ids,
       append_events(jsonb_agg($12::jsonb -> (place::integer - 1) ORDER BY place)) AS first_position
     FROM placed
     -- First all rows, then the log.
     WHERE (SELECT count(*) FROM first_steps) + (SELECT count(*) FROM written)
       + (SELECT count(*) FROM lines) > 0`,
    [
      orders.map(({ order }) => order.id),
      orders.map(({ order }) => order.user_id),
      orders.map(({ order }) => order.price_total),
      orders.map(({ order }) => order.quantity),
      orders.map(({ request }) => request?.id ?? null),
      orders.map(({ request }) => request?.fingerprint ?? null),
      orders.map(({ order, request }) => (request === undefined ? null : JSON.stringify(order))),
      lines.map(({ order_id }) => order_id),
      lines.map(({ product_id }) => product_id),
      lines.map(({ quantity }) => quantity),
      lines.map(({ price }) => price),
      JSON.stringify(orders.map(({ event }) => event)),
    ],
  ).catch((error: unknown) => {
    throw brokenConstraintOf(error) === "order_history_pkey" ? new TombstonedOrder() : error;
  });
  return { ids: new Set(done?.ids), firstPosition: done?.first_position ?? undefined };
}
