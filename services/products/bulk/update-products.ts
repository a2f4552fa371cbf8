import type { Sender } from "../../../core/access.ts";
import { hasCode } from "../../../core/errors.ts";
import type { ItemCheck } from "../../../core/item-check.ts";
import { recordAudits } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { BulkAnswer } from "./bulk.contract.ts";
import { productColumns } from "../catalogue/product.model.ts";
import { isEmptyUpdate, updateDetail, updateEvent } from "../catalogue/update-product.ts";
import {
  productErrors,
  type Product,
  type ProductAuditAction,
  type UpdateProduct,
} from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { nothingToUpdate, productNotFound, skuTaken, versionConflict } from "../products.errors.ts";
import { lockProducts, lockSkus } from "./bulk-locks.ts";
import { BulkResults, type BulkItem } from "./bulk-results.ts";

const maxAttempts = 3;

/**
 * Updates the products of a batch whose versions are the given ones. Of several updates of a product,
 * or valid ones with the same SKU, only the first can take effect. An SKU must be free before the batch:
 * a batch cannot pass an SKU from one product to another.
 */
export async function updateProducts(
  database: ProductsDatabase,
  given: readonly object[],
  check: ItemCheck<UpdateProduct>,
  sender: Sender,
): Promise<BulkAnswer> {
  const checked = new BulkResults();
  const items = checked.valid(checked.firstOfProducts(given), check);
  const updates = items.filter(({ index, item }) => {
    const isEmpty = isEmptyUpdate(item);
    if (isEmpty) checked.fail(index, nothingToUpdate());
    return !isEmpty;
  });
  const distinct = checked.distinct(updates, ({ sku }) => (sku === "" ? undefined : sku), skuTaken);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await updateOnce(database, distinct, new BulkResults(checked), sender);
    } catch (error) {
      // A concurrent request has written one of the SKUs. The next attempt sees it.
      if (attempt === maxAttempts || !hasCode(error, productErrors.SKU_TAKEN)) throw error;
    }
  }
}

function updateOnce(
  database: ProductsDatabase,
  items: readonly BulkItem<UpdateProduct>[],
  results: BulkResults,
  sender: Sender,
): Promise<BulkAnswer> {
  return database.transaction(async ({ query, record }) => {
    if (items.some(({ item }) => item.sku !== undefined)) await lockSkus(query, "exclusive");
    const locked = await lockProducts(query, items);
    const due = items.filter(({ index, item: { id, version } }) => {
      const current = locked.get(id);
      if (current === undefined) results.fail(index, productNotFound(id));
      else if (current.version !== version) {
        results.fail(index, versionConflict(id, current.version));
      }
      return current?.version === version;
    });
    const updated = await writeUpdates(
      query,
      due.map(({ item }) => item),
    );
    const done = due.flatMap(({ index, item }) => {
      const product = updated.get(item.id);
      if (product === undefined) results.fail(index, skuTaken());
      else results.done(index, product.id, product.version);
      return product === undefined ? [] : [{ item, product }];
    });
    await recordAudits<ProductAuditAction>(
      query,
      sender,
      done.map(({ item, product }) => ({
        action: "PRODUCT_UPDATED",
        subjectId: product.id,
        detail: updateDetail(item, product),
      })),
    );
    for (const { product } of done) record("product.updated", updateEvent(product));
    return results.answer();
  });
}

/**
 * Writes updates of locked products, and the prices that they replace. Leaves out a product whose
 * new SKU another product has. Returns the updated products by id.
 */
async function writeUpdates(query: Query, updates: UpdateProduct[]): Promise<Map<string, Product>> {
  const products = await query<Product>(
    `WITH item AS MATERIALIZED (
       SELECT new.*, p.version AS old_version, p.price AS old_price,
         coalesce(p.price_since, p.created_at) AS old_price_since,
         new_price <> p.price AS has_new_price, clock_timestamp() AS now
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::text[])
         AS new (product_id, new_name, new_description, new_price, new_sku)
       JOIN products p ON p.id = product_id
       WHERE new_sku IS NULL OR new_sku = '' OR NOT EXISTS (
         SELECT FROM products other
         WHERE other.sku = new_sku AND other.archived_at IS NULL AND other.id <> product_id
       )
     ), replaced AS (
       INSERT INTO former_prices (product_id, version, price, valid_from)
       SELECT product_id, old_version, old_price, old_price_since FROM item WHERE has_new_price
     )
     UPDATE products SET
       name = coalesce(new_name, name),
       description = coalesce(new_description, description),
       price = coalesce(new_price, price),
       sku = CASE WHEN new_sku IS NULL THEN sku ELSE nullif(new_sku, '') END,
       version = version + 1,
       updated_at = item.now,
       price_since = CASE WHEN has_new_price THEN item.now ELSE price_since END
     FROM item WHERE id = product_id
     RETURNING ${productColumns}`,
    [
      updates.map(({ id }) => id),
      updates.map(({ name }) => name ?? null),
      updates.map(({ description }) => description ?? null),
      updates.map(({ price }) => price ?? null),
      updates.map(({ sku }) => sku ?? null),
    ],
  );
  return new Map(products.map((product) => [product.id, product]));
}
