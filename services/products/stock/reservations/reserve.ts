import { Batcher } from "../../../../core/tasks/batcher.ts";
import { serviceUnavailable } from "../../../../core/errors.ts";
import type { ReservationLine, ReservedLine } from "../../products.contract.ts";
import type { ProductsDatabase } from "../../products.database.ts";
import { outOfStock, productNotFound } from "../../products.errors.ts";
import { publicLine, takeStock, type ReservationRequest } from "./take-stock.ts";

const maxAttempts = 3;
const batchOptions = { maxItems: 100, maxBatchesInFlight: 2 };

export type ReservationBatcher = Batcher<ReservationRequest, ReservedLine[]>;

/**
 * Reserves for many orders in one statement. The lock of a product that every order names is then
 * taken, and its row written, once per batch. A batch reserves nothing for an order whose products
 * do not have enough stock for the whole batch, nor for an order that has a reservation already:
 * these orders are reserved one by one.
 */
export function reservationBatcher(
  database: ProductsDatabase,
  ttlSeconds: number,
): ReservationBatcher {
  return new Batcher(async (reservations) => {
    const isBatch = reservations.length > 1;
    const taken = isBatch ? await takeStock(database, reservations, ttlSeconds) : [];
    const linesByOrder = Map.groupBy(taken, ({ order_id }) => order_id);
    return Promise.all(
      reservations.map(async (reservation) => {
        const lines = linesByOrder.get(reservation.order_id);
        if (lines !== undefined) return lines.map(publicLine);
        return reserve(database, reservation, ttlSeconds).catch((error: unknown) => {
          if (error instanceof Error) return error;
          throw error;
        });
      }),
    );
  }, batchOptions);
}

/**
 * Reserves the stock of all lines of an order, or of none. A repeated call with the same order id
 * returns the first answer. Throws PRODUCT_NOT_FOUND or OUT_OF_STOCK.
 */
async function reserve(
  database: ProductsDatabase,
  reservation: ReservationRequest,
  ttlSeconds: number,
): Promise<ReservedLine[]> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const reserved = await reserveOnce(database, reservation, ttlSeconds);
    if (reserved.length > 0) return reserved;
    const shortage = await shortageOf(database, reservation.lines);
    if (shortage !== undefined) throw shortage;
    // The missing stock was released between the two statements.
  }
  throw serviceUnavailable("The stock is changing quickly just now; try again.");
}

/** Returns the lines that the order has reserved, now or earlier; none if a product is short. */
async function reserveOnce(
  database: ProductsDatabase,
  reservation: ReservationRequest,
  ttlSeconds: number,
): Promise<ReservedLine[]> {
  const taken = await takeStock(database, [reservation], ttlSeconds);
  if (taken.length > 0) return taken.map(publicLine);
  return database.query<ReservedLine>(
    // The lock is a write: its commit waits for the disk, and makes the reservation durable that this
    // call has found. The caller may write the order on another server than the first caller.
    `SELECT l.product_id, l.quantity, l.price
     FROM reservations r JOIN reservation_lines l USING (order_id)
     WHERE r.order_id = $1 ORDER BY l.product_id FOR KEY SHARE OF r`,
    [reservation.order_id],
  );
}

/** Returns the error for the first line whose product is missing or short. */
async function shortageOf(
  database: ProductsDatabase,
  lines: ReservationLine[],
): Promise<Error | undefined> {
  const products = await database.query<{ id: string; stock: number }>(
    "SELECT id, stock FROM products WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL",
    [lines.map(({ product_id }) => product_id)],
  );
  return shortageAmong(lines, products);
}

/** Returns the error for the first line whose product is not among the given ones or is short. */
export function shortageAmong(
  lines: readonly ReservationLine[],
  products: readonly { id: string; stock: number }[],
): Error | undefined {
  const stockById = new Map(products.map(({ id, stock }) => [id, stock]));
  for (const { product_id, quantity } of lines) {
    const stock = stockById.get(product_id);
    if (stock === undefined) return productNotFound(product_id);
    if (stock < quantity) return outOfStock(product_id, quantity, stock);
  }
  return undefined;
}
