import type { Effect, EventEnvelope } from "../../core/contract.ts";
import type {
  InventoryUpdated,
  ProductCreated,
  ProductUpdated,
} from "../products/products.contract.ts";
import { inOrderOf } from "../../database/rows-by-id.ts";
import type { OrdersDatabase } from "./orders.database.ts";

/** Stores new products, so that orders can show the names of products that are deleted later. */
export async function storeNewProducts(
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

/**
 * Stores the names and prices of updated products. The lines of orders keep their prices. A redriven
 * dead letter can be older than the stored version, and then changes nothing.
 */
export async function storeProductUpdates(
  events: EventEnvelope<ProductUpdated>[],
  { query }: Effect,
): Promise<void> {
  // A batch can contain several updates of a product. The newest is the last one.
  const newest = new Map(events.map(({ data }) => [data.product_id, data]));
  const products = [...newest.values()];
  await query(
    `UPDATE known_products p
     SET name = updated.name, price = updated.price, version = updated.version
     FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[])
       AS updated (id, name, price, version)
     WHERE p.id = updated.id AND p.version < updated.version`,
    [
      products.map(({ product_id }) => product_id),
      products.map(({ name }) => name),
      products.map(({ price }) => price),
      products.map(({ version }) => version),
    ],
  );
}

/** Updates the stock on hand of products, and marks deleted products. */
export async function storeInventoryChanges(
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

/** Returns the names of users by their ids, without the users that are erased or not known yet. */
export async function usernamesOf(
  { query }: OrdersDatabase,
  ids: string[],
): Promise<Map<string, string>> {
  const users = await query<{ id: string; username: string }>(
    "SELECT id, username FROM known_users WHERE id = ANY ($1::uuid[])",
    [ids],
  );
  return new Map(users.map(({ id, username }) => [id, username]));
}
