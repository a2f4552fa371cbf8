import { newId } from "../../../core/ids.ts";
import { userIdOf, type Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { NewProduct, Product, ProductAuditAction } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { recordStockChange } from "../stock/stock-changes.ts";

/** Creates a product with its initial stock. */
export async function createProduct(
  database: ProductsDatabase,
  input: NewProduct,
  sender: Sender,
): Promise<Product> {
  const userId = userIdOf(sender.actor);
  const product: Product = { id: newId(), ...input };
  return database.transaction(async (work) => {
    const { id, name, price, stock } = product;
    await work.models.products.create(product, { transaction: work.transaction });
    await recordStockChange(work, { productId: id, change: stock, reason: "CREATED", userId });
    await recordAudit<ProductAuditAction>(work.query, {
      action: "PRODUCT_CREATED",
      sender,
      subjectId: id,
      detail: { name, price, stock },
    });
    work.record("product.created", { product_id: id, name, price, stock });
    return product;
  });
}
