import { newId } from "../../../core/ids/ids.ts";
import { userIdOf, type Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { NewProduct, Product, ProductAuditAction } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { recordStockChange, type ProductsTransaction } from "../stock/stock-changes.ts";
import { productColumns } from "./product.model.ts";

/** Creates a product with its initial stock. Throws SKU_TAKEN. */
export async function createProduct(
  database: ProductsDatabase,
  input: NewProduct,
  sender: Sender,
): Promise<Product> {
  const userId = userIdOf(sender.actor);
  const id = newId();
  const { name, price, stock, sku = null } = input;
  return database.transaction(async (work) => {
    await work.models.products.create({ ...input, id }, { transaction: work.transaction });
    await recordStockChange(work, { productId: id, change: stock, reason: "CREATED", userId });
    await recordAudit<ProductAuditAction>(work.query, {
      action: "PRODUCT_CREATED",
      sender,
      subjectId: id,
      detail: { name, price, stock, ...(sku !== null && { sku }) },
    });
    work.record("product.created", { product_id: id, name, price, stock, sku });
    return createdProduct(work, id);
  });
}

/** Reads a product back: the database sets its version and its times. */
async function createdProduct({ query }: ProductsTransaction, id: string): Promise<Product> {
  const [product] = await query<Product>(`SELECT ${productColumns} FROM products WHERE id = $1`, [
    id,
  ]);
  if (product === undefined) throw new Error(`The created product ${id} does not exist.`);
  return product;
}
