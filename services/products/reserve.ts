import type { Reservation, ReservationLine, ReservedLine } from "./products.contract.ts";
import { serviceUnavailable } from "../../core/errors.ts";
import type { ProductsDatabase } from "./products.database.ts";
import { outOfStock, productNotFound } from "./products.errors.ts";

const maxAttempts = 3;

/**
 * Takes the stock of all lines, or of none, and holds it until it is sold, given back or asked
 * for. It is one statement, and so one transaction whose locks last no longer than it: the
 * products that have enough are locked in the order of their ids, so that no two reservations
 * wait for each other in a circle; the reservation is written if they are all there; the stock is
 * taken if the reservation was written. A product that is sold out is not even locked. The lock is
 * the one an UPDATE takes: the ledger's rows, which refer to products, are written beside it. The
 * same order id again gets the first answer.
 * Refuses with PRODUCT_NOT_FOUND or OUT_OF_STOCK.
 */
export async function reserve(
  database: ProductsDatabase,
  reservation: Reservation,
  ttlSeconds: number,
): Promise<ReservedLine[]> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const reserved = await tryToReserve(database, reservation, ttlSeconds);
    if (reserved.length > 0) return reserved;
    const refusal = await whyNot(database, reservation.lines);
    if (refusal !== undefined) throw refusal;
    // What was missing came back between the two statements.
  }
  throw serviceUnavailable("The stock is changing quickly just now; try again.");
}

/** The lines that are reserved for the order now, or were before; none where something is missing. */
async function tryToReserve(
  database: ProductsDatabase,
  { order_id, lines }: Reservation,
  ttlSeconds: number,
): Promise<ReservedLine[]> {
  const reserved = await database.query<ReservedLine>(
    `WITH enough AS (
       SELECT asked.*, p.price
       FROM (
         SELECT * FROM unnest($2::uuid[], $3::integer[]) AS line (id, quantity) ORDER BY id
       ) asked CROSS JOIN LATERAL (
         SELECT price FROM products p WHERE p.id = asked.id
           AND p.archived_at IS NULL AND p.stock >= asked.quantity
         FOR NO KEY UPDATE
       ) p
     ), reservation AS (
       INSERT INTO reservations (order_id, expires_at)
       SELECT $1, now() + $4 * interval '1 second'
       WHERE (SELECT count(*) FROM enough) = cardinality($2::uuid[])
       ON CONFLICT DO NOTHING
       RETURNING order_id
     ), taken AS (
       UPDATE products p SET stock = p.stock - enough.quantity
       FROM enough, reservation WHERE p.id = enough.id
     )
     INSERT INTO reservation_lines (order_id, product_id, quantity, price)
     SELECT order_id, id, quantity, price FROM enough, reservation
     RETURNING product_id, quantity, price`,
    [
      order_id,
      lines.map((line) => line.product_id),
      lines.map((line) => line.quantity),
      ttlSeconds,
    ],
  );
  if (reserved.length > 0) return reserved;
  return database.query<ReservedLine>(
    `SELECT product_id, quantity, price FROM reservation_lines WHERE order_id = $1
     ORDER BY product_id`,
    [order_id],
  );
}

/** The refusal for the first line that there is not enough for. */
async function whyNot(
  database: ProductsDatabase,
  lines: ReservationLine[],
): Promise<Error | undefined> {
  const found = await database.query<{ id: string; stock: number }>(
    "SELECT id, stock FROM products WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL",
    [lines.map((line) => line.product_id)],
  );
  const left = new Map(found.map(({ id, stock }) => [id, stock]));
  for (const { product_id, quantity } of lines) {
    const stock = left.get(product_id);
    if (stock === undefined) return productNotFound(product_id);
    if (stock < quantity) return outOfStock(product_id, quantity, stock);
  }
  return undefined;
}
