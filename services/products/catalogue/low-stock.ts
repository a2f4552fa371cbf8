import type { Product } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { productColumns } from "./product.model.ts";

/**
 * Returns products with a low stock that are not sold out, the lowest stock first. The stock has no
 * index, because every order would have to write it: the statement reads the whole catalogue.
 */
export function lowStockProducts(
  { query }: ProductsDatabase,
  maxStock: number,
  limit: number,
): Promise<Product[]> {
  return query<Product>(
    `SELECT ${productColumns} FROM products
     WHERE archived_at IS NULL AND in_stock AND stock <= $1 ORDER BY stock, id LIMIT $2`,
    [maxStock, limit],
  );
}
