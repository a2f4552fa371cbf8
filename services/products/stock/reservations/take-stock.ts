import type { RecordedEvent } from "../../../../event-log/event-log.ts";
import type { Reservation, ReservedLine } from "../../products.contract.ts";
import type { ProductsDatabase } from "../../products.database.ts";

type TakenLine = ReservedLine & { order_id: string };

/** A taken line, or the events of the statement: then the columns of the line are null. */
interface TakenRow {
  order_id: string | null;
  product_id: string | null;
  quantity: number | null;
  price: number | null;
  events: RecordedEvent[] | null;
  first_position: number | null;
  previous_id: string | null;
}

/** A reservation with the PostgreSQL server on which the caller will write the order. */
export interface ReservationRequest extends Reservation {
  orderServer: string | undefined;
}

export function publicLine({ product_id, quantity, price }: TakenLine): ReservedLine {
  return { product_id, quantity, price };
}

/**
 * Reserves stock for the orders of a batch whose products all have enough stock for the whole
 * batch. Returns the reserved lines. One statement does all of it, so that its locks are short:
 * - It locks the products that have enough stock in the order of their ids, which prevents
 *   deadlocks, with the lock that an UPDATE takes. It does not lock products that are sold out.
 * - It writes the reservation of an order if all products of the order are locked.
 * - It takes the stock of an order if it has written the reservation.
 * - It appends `inventory.depleted` for each product whose last piece it has taken, as its last
 *   step: the head of the event log is locked until the commit.
 * - Its commit does not wait for the disk if all orders will be written on the same server, and if
 *   there is no event, which a consumer on another server could apply before a crash loses it.
 *   docs/decisions/0046-one-wait-for-the-disk.md explains why this is safe.
 */
export async function takeStock(
  { query, newEvent, emitFrom }: ProductsDatabase,
  reservations: readonly ReservationRequest[],
  ttlSeconds: number,
): Promise<TakenLine[]> {
  const byOrder = new Map(reservations.toReversed().map((entry) => [entry.order_id, entry]));
  const lines = [...byOrder.values()].flatMap(({ order_id, lines: orderLines }) =>
    orderLines.map((line) => ({ order_id, ...line })),
  );
  const [orderServer, ...otherServers] = new Set(
    reservations.map((reservation) => reservation.orderServer),
  );
  // The statement completes it for each product.
  const depleted = newEvent("inventory.depleted", { product_id: "", sku: null });
  const rows = await query<TakenRow>(
    `WITH asked AS MATERIALIZED (
       SELECT order_id, id, quantity,
         sum(quantity) OVER (PARTITION BY id) AS quantity_of_all,
         count(*) OVER (PARTITION BY order_id) AS lines_of_order
       FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS line (order_id, id, quantity)
     ), enough AS MATERIALIZED (
       SELECT asked.*, p.price
       FROM (SELECT * FROM asked ORDER BY id) asked CROSS JOIN LATERAL (
         SELECT price FROM products p WHERE p.id = asked.id
           AND p.archived_at IS NULL AND p.stock >= asked.quantity_of_all
         FOR NO KEY UPDATE
       ) p
     ), reservation AS (
       INSERT INTO reservations (order_id, expires_at)
       SELECT order_id, now() + $4 * interval '1 second' FROM enough
       GROUP BY order_id HAVING count(*) = max(lines_of_order)
       ON CONFLICT DO NOTHING
       RETURNING order_id
     ), taking AS MATERIALIZED (
       SELECT * FROM enough WHERE order_id = ANY (ARRAY(SELECT order_id FROM reservation))
     ), taken AS (
       UPDATE products p SET stock = p.stock - sums.quantity
       FROM (SELECT id, sum(quantity)::integer AS quantity FROM taking GROUP BY id) sums
       WHERE p.id = sums.id
       RETURNING p.id, p.sku, p.stock
     ), depleted AS (
       SELECT jsonb_agg($5::jsonb || jsonb_build_object(
         'id', new_event_id(), 'data', jsonb_build_object('product_id', id, 'sku', sku))) AS events
       FROM taken WHERE stock = 0
     ), appended AS MATERIALIZED (
       SELECT events, first_position, previous_id
       FROM depleted, append_events_chained(events) WHERE events IS NOT NULL
     ), lines AS (
       INSERT INTO reservation_lines (order_id, product_id, quantity, price)
       SELECT order_id, id, quantity, price FROM taking
       RETURNING order_id, product_id, quantity, price
     ), unflushed AS MATERIALIZED (
       SELECT set_config('synchronous_commit', 'off', true)
       WHERE current_setting('shop.server', true) = $6 AND NOT EXISTS (SELECT FROM appended)
     )
     SELECT order_id, product_id, quantity, price,
       NULL AS events, NULL AS first_position, NULL AS previous_id FROM lines
     UNION ALL
     SELECT NULL, NULL, NULL, NULL, events, first_position, previous_id FROM appended
     UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM unflushed`,
    [
      lines.map(({ order_id }) => order_id),
      lines.map(({ product_id }) => product_id),
      lines.map(({ quantity }) => quantity),
      ttlSeconds,
      JSON.stringify(depleted),
      otherServers.length > 0 ? null : (orderServer ?? null),
    ],
  );
  for (const { events, first_position, previous_id } of rows) {
    if (events === null || first_position === null) continue;
    emitFrom({ first_position, previous_id }, events);
  }
  return rows.filter((row): row is TakenRow & TakenLine => row.order_id !== null);
}
