import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type {
  Product,
  ProductAuditAction,
  ProductUpdated,
  UpdateProduct,
} from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { nothingToUpdate, productNotFound, versionConflict } from "../products.errors.ts";
import type { ProductsTransaction } from "../stock/stock-changes.ts";
import { productColumns } from "./product.model.ts";

/**
 * Changes name, description, price or SKU of a product if its version is the given one. Throws
 * BAD_USER_INPUT without a change, PRODUCT_NOT_FOUND, VERSION_CONFLICT or SKU_TAKEN.
 */
export async function updateProduct(
  database: ProductsDatabase,
  { id, version, ...changes }: UpdateProduct,
  sender: Sender,
): Promise<Product> {
  if (isEmptyUpdate(changes)) throw nothingToUpdate();
  return database.transaction(async (work) => {
    const product = await writeUpdate(work, { id, version, ...changes });
    if (product === undefined) throw versionConflict(id, await versionOf(work, id));
    await recordAudit<ProductAuditAction>(work.query, {
      action: "PRODUCT_UPDATED",
      sender,
      subjectId: id,
      detail: updateDetail(changes, product),
    });
    work.record("product.updated", updateEvent(product));
    return product;
  });
}

type Changes = Omit<UpdateProduct, "id" | "version">;

/** Returns true for an update without a change. */
export function isEmptyUpdate({ name, description, price, sku }: Changes): boolean {
  return [name, description, price, sku].every((value) => value === undefined);
}

/** Returns the new values for the audit trail, without the description, which may be long. */
export function updateDetail(changes: Changes, { version, name, price, sku }: Product) {
  return {
    version,
    ...(changes.name !== undefined && { name }),
    ...(changes.description !== undefined && { description: "changed" }),
    ...(changes.price !== undefined && { price }),
    ...(changes.sku !== undefined && { sku }),
  };
}

/** Returns the data of the event of an update. */
export function updateEvent(product: Product): ProductUpdated {
  const { id, name, description, price, sku, version } = product;
  return { product_id: id, name, description, price, sku, version };
}

/**
 * Writes an update and the price that it replaces. Returns the updated product, or undefined if no
 * product of the catalogue has this id and version. One statement does all of it, so that orders of
 * the product wait only briefly:
 * - It locks the product with the lock that an UPDATE takes. PostgreSQL compares the version again
 *   when it has waited for the lock, so that of two updates of a version only one is written.
 * - It reads the clock after the lock: the times of a product's updates are in their order.
 */
async function writeUpdate(
  { query }: ProductsTransaction,
  { id, version, name, description, price, sku }: UpdateProduct,
): Promise<Product | undefined> {
  const [product] = await query<Product>(
    `WITH locked AS MATERIALIZED (
       SELECT id AS product_id, version AS old_version, price AS old_price,
         coalesce(price_since, created_at) AS old_price_since
       FROM products WHERE id = $1 AND version = $2 AND archived_at IS NULL
       FOR NO KEY UPDATE
     ), old AS MATERIALIZED (
       SELECT *, clock_timestamp() AS now, old_price <> $5::integer AS has_new_price FROM locked
     ), replaced AS (
       INSERT INTO former_prices (product_id, version, price, valid_from)
       SELECT product_id, old_version, old_price, old_price_since FROM old WHERE has_new_price
     )
     UPDATE products SET
       name = coalesce($3, name),
       description = coalesce($4, description),
       price = coalesce($5, price),
       sku = CASE WHEN $6::text IS NULL THEN sku ELSE nullif($6, '') END,
       version = version + 1,
       updated_at = old.now,
       price_since = CASE WHEN has_new_price THEN old.now ELSE price_since END
     FROM old WHERE id = product_id
     RETURNING ${productColumns}`,
    [id, version, name ?? null, description ?? null, price ?? null, sku ?? null],
  );
  return product;
}

/** Returns the version of a product after an update found no row. Throws PRODUCT_NOT_FOUND. */
async function versionOf({ query }: ProductsTransaction, id: string): Promise<number> {
  const [product] = await query<{ version: number }>(
    "SELECT version FROM products WHERE id = $1 AND archived_at IS NULL",
    [id],
  );
  if (product === undefined) throw productNotFound(id);
  return product.version;
}
