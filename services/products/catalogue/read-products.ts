import { Batcher, batchedReads } from "../../../core/batcher.ts";
import { maxListRows, type ListPage } from "../../../core/validation.ts";
import { lowestId } from "../../../core/relay-connection.ts";
import { inOrderOf } from "../../../database/rows-by-id.ts";
import type { Product } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { productColumns } from "./product.model.ts";

/**
 * How reads of products gather: more rows in one statement gain little, and while so many
 * statements run, the next one grows.
 */
export const batchOptions = { maxItems: 500, maxBatchesInFlight: 3 };

/** The products of the catalogue by their ids, those that are asked for together in one statement. */
export function productLookups({ query }: ProductsDatabase): Batcher<string, Product | null> {
  return new Batcher(async (ids) => {
    const products = await query<Product>(
      `SELECT ${productColumns} FROM products
         WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL`,
      [[...new Set(ids)]],
    );
    return inOrderOf(ids, products);
  }, batchOptions);
}

/** The products of the catalogue, oldest first. Who asks for the same page together shares it. */
export function productPages({ query }: ProductsDatabase): Batcher<ListPage, Product[]> {
  return batchedReads(
    ({ limit = maxListRows, offset = 0, after = lowestId }) =>
      query<Product>(
        `SELECT ${productColumns} FROM products
         WHERE archived_at IS NULL AND id > $3::uuid ORDER BY id LIMIT $1 OFFSET $2`,
        [limit, offset, after],
      ),
    batchOptions,
  );
}
