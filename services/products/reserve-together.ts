import { Crowd } from "../../core/crowd.ts";
import type { Reservation, ReservedLine } from "./products.contract.ts";
import type { ProductsDatabase } from "./products.database.ts";
import { reserve } from "./reserve.ts";

/** Reservations in one statement. */
const maxTogether = 100;
/** Statements at a time: while they run, the next one gathers. */
const maxStatements = 2;

/**
 * Reservations, those that come together in one statement: what makes a product that everybody
 * wants fast, since its lock is taken and its row written once for all of them. An order whose
 * products have not enough for all who ask is looked at on its own, as is one that was there before.
 */
export function reservations(
  database: ProductsDatabase,
  ttlSeconds: number,
): Crowd<Reservation, ReservedLine[]> {
  return new Crowd(
    async (asked) => {
      const together = asked.length > 1 ? await reserveTogether(database, asked, ttlSeconds) : [];
      const byOrder = Map.groupBy(together, ({ order_id }) => order_id);
      return Promise.all(
        asked.map(async (reservation) => {
          const { order_id } = reservation;
          const lines = byOrder.get(order_id);
          if (lines !== undefined) return lines.map(publicLine);
          return reserve(database, reservation, ttlSeconds).catch((error: unknown) => {
            if (error instanceof Error) return error;
            throw error;
          });
        }),
      );
    },
    { maxItems: maxTogether, maxBatches: maxStatements },
  );
}

type TakenLine = ReservedLine & { order_id: string };

function publicLine({ product_id, quantity, price }: TakenLine): ReservedLine {
  return { product_id, quantity, price };
}

/**
 * Takes the stock of those orders of which each product has enough for all orders together. As for
 * one order, it is one statement, and its products are locked in the order of their ids.
 */
async function reserveTogether(
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
