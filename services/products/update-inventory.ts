import { maxInt } from "../../core/validation.ts";
import { inventoryChange, type UpdateInventory } from "./products.contract.ts";
import type { ProductsDatabase } from "./products.database.ts";
import {
  insufficientStock,
  numberTooSmall,
  productNotFound,
  stockTooLarge,
} from "./products.errors.ts";
import { recordStockChange, type ProductsWork } from "./stock-changes.ts";

/**
 * Adds to a product's stock (1), subtracts from it (2) or takes it out of the catalogue (3).
 * Refuses with PRODUCT_NOT_FOUND, INSUFFICIENT_STOCK or BAD_USER_INPUT. `userId`: the admin, if
 * known.
 */
export async function updateInventory(
  database: ProductsDatabase,
  { id, type, number }: UpdateInventory,
  userId: string | null,
): Promise<{ success: true }> {
  if (type !== inventoryChange.delete && number < 1) throw numberTooSmall();
  await database.transaction(async (work) => {
    if (type === inventoryChange.delete) {
      const stock = await archive(work, id);
      work.record("inventory.updated", { product_id: id, change: "DELETED", stock });
      return;
    }
    const adds = type === inventoryChange.add;
    const stock = adds ? await add(work, id, number) : await subtract(work, id, number);
    await recordStockChange(work, {
      productId: id,
      change: adds ? number : -number,
      reason: adds ? "ADDED" : "SUBTRACTED",
      userId,
    });
    const change = adds ? "ADDED" : "SUBTRACTED";
    work.record("inventory.updated", { product_id: id, change, stock });
  });
  return { success: true };
}

interface Stock {
  stock: number;
}

async function add(work: ProductsWork, id: string, number: number): Promise<number> {
  const [changed] = await work.query<Stock>(
    `UPDATE products SET stock = stock + $2::integer
     WHERE id = $1 AND archived_at IS NULL AND stock <= $3::integer - $2::integer RETURNING stock`,
    [id, number, maxInt],
  );
  if (changed !== undefined) return changed.stock;
  await stockOf(work, id);
  throw stockTooLarge();
}

async function subtract(work: ProductsWork, id: string, number: number): Promise<number> {
  const [changed] = await work.query<Stock>(
    `UPDATE products SET stock = stock - $2::integer
     WHERE id = $1 AND archived_at IS NULL AND stock >= $2::integer RETURNING stock`,
    [id, number],
  );
  if (changed !== undefined) return changed.stock;
  throw insufficientStock(id, number, await stockOf(work, id));
}

async function archive(work: ProductsWork, id: string): Promise<number> {
  const [archived] = await work.query<Stock>(
    "UPDATE products SET archived_at = now() WHERE id = $1 AND archived_at IS NULL RETURNING stock",
    [id],
  );
  if (archived === undefined) throw productNotFound(id);
  return archived.stock;
}

/** Why a conditional update found no row: throws PRODUCT_NOT_FOUND, or gives what is left. */
async function stockOf(work: ProductsWork, id: string): Promise<number> {
  const [product] = await work.query<Stock>(
    "SELECT stock FROM products WHERE id = $1 AND archived_at IS NULL",
    [id],
  );
  if (product === undefined) throw productNotFound(id);
  return product.stock;
}
