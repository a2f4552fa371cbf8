import { v7 as uuidv7 } from "uuid";
import type { NewProduct, Product } from "./products.contract.ts";
import type { ProductsDatabase } from "./products.database.ts";
import { recordStockChange } from "./stock-changes.ts";

/** Puts a product into the catalogue, with its first stock. `userId`: the admin, if known. */
export async function createProduct(
  database: ProductsDatabase,
  input: NewProduct,
  userId: string | null,
): Promise<Product> {
  const product: Product = {
    id: uuidv7(),
    name: input.name,
    description: input.description,
    price: input.price,
    stock: input.stock,
  };
  return database.transaction(async (work) => {
    const { id, name, price, stock } = product;
    await database.models.products.create(product, { transaction: work.transaction });
    await recordStockChange(work, { productId: id, change: stock, reason: "CREATED", userId });
    work.record("product.created", { product_id: id, name, price, stock });
    return product;
  });
}
