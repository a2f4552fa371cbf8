import type { EventEnvelope } from "../../../../core/contract.ts";
import type { OrderPlaced } from "../../../orders/orders.contract.ts";
import { shortageAmong } from "./reserve.ts";
import { sellReservations, unreserved, type ProductsEffect } from "./sell-reservations.ts";

type Placed = EventEnvelope<OrderPlaced>;

/**
 * Applies a dead letter of `order.placed`. If the reservation was lost, takes the stock of the order
 * now, also of deleted products: the order exists, and an operator has decided to serve it. Throws
 * PRODUCT_NOT_FOUND or OUT_OF_STOCK.
 */
export async function redrivePlacedOrder(event: Placed, effect: ProductsEffect): Promise<void> {
  const missing = await unreserved(effect, [event.data.order_id], []);
  if (missing.size > 0) await reserveAgain(event, effect);
  await sellReservations([event], effect);
}

async function reserveAgain(event: Placed, effect: ProductsEffect): Promise<void> {
  const { order_id, lines } = event.data;
  const ids = lines.map(({ product_id }) => product_id);
  const locked = await effect.query<{ id: string; stock: number }>(
    "SELECT id, stock FROM products WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
    [ids],
  );
  const shortage = shortageAmong(lines, locked);
  if (shortage !== undefined) throw shortage;
  const depleted = await effect.query<{ product_id: string; sku: string | null }>(
    `WITH line AS (
       SELECT * FROM unnest($2::uuid[], $3::integer[], $4::integer[])
         AS line (product_id, quantity, price)
     ), reservation AS (
       INSERT INTO reservations (order_id, expires_at) VALUES ($1, now()) RETURNING order_id
     ), lines AS (
       INSERT INTO reservation_lines (order_id, product_id, quantity, price)
       SELECT order_id, product_id, quantity, price FROM reservation, line
     ), taken AS (
       UPDATE products p SET stock = p.stock - line.quantity FROM line
       WHERE p.id = line.product_id RETURNING p.id, p.sku, p.stock, p.archived_at
     )
     SELECT id AS product_id, sku FROM taken WHERE stock = 0 AND archived_at IS NULL ORDER BY id`,
    [order_id, ids, lines.map(({ quantity }) => quantity), lines.map(({ price }) => price)],
  );
  for (const data of depleted) effect.record("inventory.depleted", data, event);
}
