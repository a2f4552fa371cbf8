import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { BulkItem } from "./bulk-results.ts";

/**
 * Locks the SKUs of the catalogue against other batches until the end of the transaction. Two
 * batches could each have written an SKU that the other one is going to write, and would wait for
 * each other. Batches that create products write SKUs in one order, so they share the lock.
 * PostgreSQL does not update rows in a given order: a batch that updates SKUs runs alone.
 */
export async function lockSkus(query: Query, mode: "shared" | "exclusive"): Promise<void> {
  if (mode === "shared") {
    await query("SELECT pg_advisory_xact_lock_shared(hashtext('products.bulk.skus'))", []);
  } else {
    await query("SELECT pg_advisory_xact_lock(hashtext('products.bulk.skus'))", []);
  }
}

/**
 * Locks the products that items name, if they are in the catalogue, in the order of their ids, as
 * orders do. Later statements of the transaction then see the present values.
 */
export async function lockProducts(
  query: Query,
  items: readonly BulkItem<{ id: string }>[],
): Promise<Map<string, { version: number }>> {
  const rows = await query<{ id: string; version: number }>(
    `SELECT id, version FROM products WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL
     ORDER BY id FOR NO KEY UPDATE`,
    [items.map(({ item }) => item.id)],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
