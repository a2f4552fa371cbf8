import type { Reservation, ReservedLine } from "./products.contract.ts";
import type { ProductsDatabase } from "./products.database.ts";
import { outOfStock, productNotFound } from "./products.errors.ts";
import type { ProductsWork } from "./stock-changes.ts";

/**
 * Takes the stock of all lines, or of none, in one transaction. The rows are locked in the order
 * of their ids, so that no two reservations wait for each other in a circle, and change only
 * where enough is left. The same order id again gets the first answer.
 */
export async function reserve(
  database: ProductsDatabase,
  { order_id, lines }: Reservation,
): Promise<ReservedLine[]> {
  return database.transaction(async (work) => {
    const fresh = await work.query(
      "INSERT INTO reservations (order_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING order_id",
      [order_id],
    );
    if (fresh.length === 0) return reservedLines(work, order_id);

    const productIds = lines.map((line) => line.product_id);
    const quantities = lines.map((line) => line.quantity);
    const taken = await work.query<ReservedLine>(
      `WITH asked AS (
         SELECT p.id, a.quantity
         FROM unnest($2::uuid[], $3::integer[]) AS a (id, quantity)
         JOIN products p ON p.id = a.id
         WHERE p.archived_at IS NULL
         ORDER BY p.id
         FOR UPDATE OF p
       ), taken AS (
         UPDATE products p SET stock = p.stock - asked.quantity
         FROM asked WHERE p.id = asked.id AND p.stock >= asked.quantity
         RETURNING p.id, asked.quantity, p.price
       )
       INSERT INTO reservation_lines (order_id, product_id, quantity, price)
       SELECT $1, id, quantity, price FROM taken
       RETURNING product_id, quantity, price`,
      [order_id, productIds, quantities],
    );
    if (taken.length < lines.length) throw await whyNot(work, lines, taken);
    return taken;
  });
}

function reservedLines(work: ProductsWork, orderId: string): Promise<ReservedLine[]> {
  return work.query<ReservedLine>(
    "SELECT product_id, quantity, price FROM reservation_lines WHERE order_id = $1",
    [orderId],
  );
}

/** The refusal for the first line that could not be taken; its row is still locked by us. */
async function whyNot(work: ProductsWork, lines: Reservation["lines"], taken: ReservedLine[]) {
  const takenIds = new Set(taken.map((line) => line.product_id));
  const missing = lines.filter((line) => !takenIds.has(line.product_id.toLowerCase()));
  const found = await work.query<{ id: string; stock: number }>(
    "SELECT id, stock FROM products WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL",
    [missing.map((line) => line.product_id)],
  );
  const left = new Map(found.map(({ id, stock }) => [id, stock]));
  for (const { product_id, quantity } of missing) {
    const stock = left.get(product_id.toLowerCase());
    if (stock === undefined) return productNotFound(product_id);
    return outOfStock(product_id, quantity, stock);
  }
  return new Error("a reservation took fewer lines than it was asked for, and none is missing");
}

/** Gives the stock of a held reservation back. A second time, there is none. */
export async function release(
  database: ProductsDatabase,
  orderId: string,
): Promise<{ released: boolean }> {
  return database.transaction(async (work) => {
    const held = await work.query(
      "SELECT FROM reservations WHERE order_id = $1 AND state = 'HELD' FOR UPDATE",
      [orderId],
    );
    if (held.length === 0) return { released: false };
    await work.query(
      `WITH back AS (
         SELECT p.id, l.quantity FROM reservation_lines l JOIN products p ON p.id = l.product_id
         WHERE l.order_id = $1 ORDER BY p.id FOR UPDATE OF p
       )
       UPDATE products p SET stock = p.stock + back.quantity FROM back WHERE p.id = back.id`,
      [orderId],
    );
    await work.query("DELETE FROM reservations WHERE order_id = $1", [orderId]);
    return { released: true };
  });
}
