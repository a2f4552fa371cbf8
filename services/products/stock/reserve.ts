import type { Reservation, ReservationLine, ReservedLine } from "../products.contract.ts";
import { serviceUnavailable } from "../../../core/errors.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { outOfStock, productNotFound } from "../products.errors.ts";
import { publicLine, takeStock } from "./take-stock.ts";

const maxAttempts = 3;

/**
 * Takes the stock of all lines of an order, or of none. The same order id again gets the first
 * answer. Refuses with PRODUCT_NOT_FOUND or OUT_OF_STOCK.
 */
export async function reserve(
  database: ProductsDatabase,
  reservation: Reservation,
  ttlSeconds: number,
): Promise<ReservedLine[]> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const reserved = await reserveOnce(database, reservation, ttlSeconds);
    if (reserved.length > 0) return reserved;
    const refusal = await shortageOf(database, reservation.lines);
    if (refusal !== undefined) throw refusal;
    // What was missing came back between the two statements.
  }
  throw serviceUnavailable("The stock is changing quickly just now; try again.");
}

/** The lines that are reserved for the order now, or were before; none where something is missing. */
async function reserveOnce(
  database: ProductsDatabase,
  reservation: Reservation,
  ttlSeconds: number,
): Promise<ReservedLine[]> {
  const taken = await takeStock(database, [reservation], ttlSeconds);
  if (taken.length > 0) return taken.map(publicLine);
  return database.query<ReservedLine>(
    `SELECT product_id, quantity, price FROM reservation_lines WHERE order_id = $1
     ORDER BY product_id`,
    [reservation.order_id],
  );
}

/** The refusal for the first line that there is not enough for. */
async function shortageOf(
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
