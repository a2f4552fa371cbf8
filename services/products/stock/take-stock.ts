import type { Reservation, ReservedLine } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";

/** A line whose stock was taken, and whose order it is of. */
type TakenLine = ReservedLine & { order_id: string };

export function publicLine({ product_id, quantity, price }: TakenLine): ReservedLine {
  return { product_id, quantity, price };
}

/**
 * Takes the stock of those orders of which each product has enough for all orders together, and
 * holds it until it is sold, given back or asked for. It is one statement, and so one transaction
 * whose locks last no longer than it: the products that have enough are locked in the order of
 * their ids, so that no two reservations wait for each other in a circle; a reservation is written
 * if they are all there; the stock is taken if the reservation was written. A product that is sold
 * out is not even locked. The lock is the one an UPDATE takes. Gives the lines that were taken.
 */
export async function takeStock(
  { query }: ProductsDatabase,
  asked: readonly Reservation[],
  ttlSeconds: number,
): Promise<TakenLine[]> {
  const first = new Map(asked.toReversed().map((one) => [one.order_id, one]));
  const lines = [...first.values()].flatMap(({ order_id, lines: of }) =>
    of.map((line) => ({ order_id, ...line })),
  );
  return query<TakenLine>(
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
     )
     INSERT INTO reservation_lines (order_id, product_id, quantity, price)
     SELECT order_id, id, quantity, price FROM taking
     RETURNING order_id, product_id, quantity, price`,
    [
      lines.map(({ order_id }) => order_id),
      lines.map(({ product_id }) => product_id),
      lines.map(({ quantity }) => quantity),
      ttlSeconds,
    ],
  );
}
