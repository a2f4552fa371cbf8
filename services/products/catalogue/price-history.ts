import { groupsInOrderOf } from "../../../database/rows-by-id.ts";
import { maxPrices, type ProductPrice } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";

/**
 * Returns the prices of products, newest first, in the order of the ids; none for a product that is
 * not in the catalogue. One statement reads present and replaced prices, so that no update comes
 * between them.
 */
export async function priceHistory(
  { query }: ProductsDatabase,
  ids: string[],
): Promise<ProductPrice[][]> {
  const rows = await query<{ product_id: string; price: number; valid_from: Date }>(
    `SELECT p.id AS product_id, prices.price, prices.valid_from
     FROM products p CROSS JOIN LATERAL (
       SELECT p.version, p.price, coalesce(p.price_since, p.created_at) AS valid_from
       UNION ALL (
         SELECT version, price, valid_from FROM former_prices
         WHERE product_id = p.id ORDER BY version DESC LIMIT $2 - 1
       )
     ) prices
     WHERE p.id = ANY ($1::uuid[]) AND p.archived_at IS NULL
     ORDER BY p.id, prices.version DESC`,
    [ids, maxPrices],
  );
  return groupsInOrderOf(ids, rows, ({ product_id }) => product_id).map((prices) =>
    prices.map(({ price, valid_from }) => ({ price, validFrom: valid_from.toISOString() })),
  );
}
