import type { Effect, EventEnvelope } from "../../core/contract.ts";
import type { InventoryUpdated, ProductCreated } from "../products/products.contract.ts";
import { inOrderOf } from "../../database/rows-by-id.ts";
import type { OrdersDatabase } from "./orders.database.ts";

/** Stores new products, so that orders can show the names of products that are deleted later. */
export async function rememberProducts(
  events: EventEnvelope<ProductCreated>[],
  { query }: Effect,
): Promise<void> {
  const products = events.map(({ data }) => data);
  await query(
    `INSERT INTO known_products (id, name, price, on_hand)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[])`,
    [
      products.map(({ product_id }) => product_id),
      // Old events contain names that are not normalized.
      products.map(({ name }) => name.normalize("NFC")),
      products.map(({ price }) => price),
      products.map(({ stock }) => stock),
    ],
  );
}

/** Updates the stock on hand of products, and marks deleted products. */
export async function followInventory(
  events: EventEnvelope<InventoryUpdated>[],
  { query }: Effect,
): Promise<void> {
  const changes = events.map(({ data }) => data);
  await query(
    `UPDATE known_products p
     SET on_hand = p.on_hand + changed.number, in_catalogue = p.in_catalogue AND NOT changed.deleted
     FROM (
       SELECT id, sum(number)::integer AS number, bool_or(change = 'DELETED') AS deleted
       FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS event (id, number, change) GROUP BY id
     ) changed WHERE p.id = changed.id`,
    [
      changes.map(({ product_id }) => product_id),
      changes.map(({ number }) => number),
      changes.map(({ change }) => change),
    ],
  );
}

/** Returns the names of products in the order of the ids; null until the event is consumed. */
export async function productNames(
  { query }: OrdersDatabase,
  ids: string[],
): Promise<(string | null)[]> {
  const products = await query<{ id: string; name: string }>(
    "SELECT id, name FROM known_products WHERE id = ANY ($1::uuid[])",
    [ids],
  );
  return inOrderOf(ids, products).map((product) => product?.name ?? null);
}
