import { Batcher, readBatcher } from "../../../core/tasks/batcher.ts";
import { maxListRows, type ListPage } from "../../../core/validation.ts";
import { lowestId } from "../../../core/relay-connection.ts";
import { inOrderOf } from "../../../database/rows-by-id.ts";
import type { Product } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { productColumns } from "./product.model.ts";

/** Larger batches gain little. While three batches run, the next one collects requests. */
export const batchOptions = { maxItems: 500, maxBatchesInFlight: 3 };

/** Returns a batcher that looks up products by id. One statement serves a batch of lookups. */
export function productLookups(database: ProductsDatabase): Batcher<string, Product | null> {
  return new Batcher((ids) => productsByIds(database, ids), batchOptions);
}

/** Returns the products of the catalogue in the order of the ids; null for an unknown id. */
export async function productsByIds(
  { query }: ProductsDatabase,
  ids: string[],
): Promise<(Product | null)[]> {
  const products = await query<Product>(
    `SELECT ${productColumns} FROM products
       WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL`,
    [[...new Set(ids)]],
  );
  return inOrderOf(ids, products);
}

/** Returns the product of the catalogue with an SKU. */
export async function productBySku(
  { query }: ProductsDatabase,
  sku: string,
): Promise<Product | undefined> {
  const [product] = await query<Product>(
    `SELECT ${productColumns} FROM products WHERE sku = $1 AND archived_at IS NULL`,
    [sku],
  );
  return product;
}

/** Returns the products of the catalogue in the order of their SKUs; null for an unknown SKU. */
export async function productsBySku(
  { query }: ProductsDatabase,
  skus: string[],
): Promise<(Product | null)[]> {
  const products = await query<Product>(
    `SELECT ${productColumns} FROM products WHERE sku = ANY ($1::text[]) AND archived_at IS NULL`,
    [skus],
  );
  const bySku = new Map(products.map((product) => [product.sku, product]));
  return skus.map((sku) => bySku.get(sku) ?? null);
}

/** Returns the products of the catalogue with one of the ids or one of the SKUs. */
export function lookUpProducts(
  { query }: ProductsDatabase,
  { ids, skus }: { ids: string[]; skus: string[] },
): Promise<Product[]> {
  return query<Product>(
    `SELECT ${productColumns} FROM products WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL
     UNION
     SELECT ${productColumns} FROM products WHERE sku = ANY ($2::text[]) AND archived_at IS NULL`,
    [ids, skus],
  );
}

/** Returns a batcher that reads pages of products, oldest first. Equal requests share one statement. */
export function productPages({ query }: ProductsDatabase): Batcher<ListPage, Product[]> {
  const readPage = ({ limit = maxListRows, offset = 0, after = lowestId }: ListPage) =>
    query<Product>(
      `SELECT ${productColumns} FROM products
       WHERE archived_at IS NULL AND id > $3::uuid ORDER BY id LIMIT $1 OFFSET $2`,
      [limit, offset, after],
    );
  return readBatcher((pages) => Promise.all(pages.map(readPage)), batchOptions);
}
