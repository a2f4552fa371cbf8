import type { Effect } from "../../core/contract.ts";
import type { InventoryUpdated, ProductCreated } from "../products/products.contract.ts";
import type { UserRegistered } from "../users/users.contract.ts";
import { inOrderOf } from "../../mixins/reads.ts";
import type { OrdersDatabase } from "./orders.database.ts";

/** Remembers a product, so that orders can name it when it is gone. */
export async function rememberProduct({ query }: Effect, product: ProductCreated): Promise<void> {
  await query(
    `INSERT INTO known_products (id, name, stock) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
    [product.product_id, product.name, product.stock],
  );
}

/** Follows a product's stock, and its leaving the catalogue. */
export async function followInventory(
  { query }: Effect,
  { product_id, stock, change }: InventoryUpdated,
): Promise<void> {
  await query(
    "UPDATE known_products SET stock = $2, in_catalogue = in_catalogue AND $3 WHERE id = $1",
    [product_id, stock, change !== "DELETED"],
  );
}

/** Remembers a user's name, so that lists of orders can say it. */
export async function rememberUser({ query }: Effect, user: UserRegistered): Promise<void> {
  await query(
    `INSERT INTO known_users (id, username) VALUES ($1, $2)
     ON CONFLICT (id) DO UPDATE SET username = excluded.username`,
    [user.user_id, user.username],
  );
}

/** The names of products, in the order of their ids; null for one that is not known (yet). */
export async function productNames(
  { query }: OrdersDatabase,
  ids: string[],
): Promise<(string | null)[]> {
  const known = await query<{ id: string; name: string }>(
    "SELECT id, name FROM known_products WHERE id = ANY ($1::uuid[])",
    [ids],
  );
  return inOrderOf(ids, known).map((product) => product?.name ?? null);
}
