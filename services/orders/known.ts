import type { InventoryUpdated, ProductCreated } from "../products/products.contract.ts";
import type { UserRegistered } from "../users/users.contract.ts";
import type { OrdersDatabase } from "./orders.database.ts";

/** Remembers a product, so that orders can name it when it is gone. */
export async function rememberProduct(
  { query }: OrdersDatabase,
  product: ProductCreated,
): Promise<void> {
  await query(
    `INSERT INTO known_products (id, name, stock) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
    [product.product_id, product.name, product.stock],
  );
}

/** Follows a product's stock, and its leaving the catalogue. */
export async function followInventory(
  { query }: OrdersDatabase,
  { product_id, stock, change }: InventoryUpdated,
): Promise<void> {
  await query(
    "UPDATE known_products SET stock = $2, in_catalogue = in_catalogue AND $3 WHERE id = $1",
    [product_id, stock, change !== "DELETED"],
  );
}

/** Remembers a user's name, so that lists of orders can say it. */
export async function rememberUser({ query }: OrdersDatabase, user: UserRegistered): Promise<void> {
  await query(
    `INSERT INTO known_users (id, username) VALUES ($1, $2)
     ON CONFLICT (id) DO UPDATE SET username = excluded.username`,
    [user.user_id, user.username],
  );
}

/** The names of the lines' products, as far as they are known. */
export async function namesOfProducts(
  { query }: OrdersDatabase,
  lines: { product_id: string }[],
): Promise<Map<string, string>> {
  const known = await query<{ id: string; name: string }>(
    "SELECT id, name FROM known_products WHERE id = ANY ($1::uuid[])",
    [lines.map((line) => line.product_id)],
  );
  return new Map(known.map(({ id, name }) => [id, name]));
}
