import type { Product } from "../../services/products/products.contract.ts";
import type { RowValues } from "./columns.ts";

/** A row that can be read, with its values in the form that the shop stores. */
export interface ReadRow {
  line: number;
  values: RowValues;
}

/** What a row does: it creates a product, or updates one, changes its stock, both or nothing. */
export type RowTask = ReadRow &
  (
    | { kind: "create" }
    | {
        kind: "update";
        product: Product;
        /** The texts and prices that differ from the product's. */
        changes: Partial<Pick<Product, "name" | "description" | "price">> & { sku?: string };
        /** Undefined if the product has the stock. */
        stock: number | undefined;
      }
  );

/** A row that matches a product. */
export type UpdateTask = Extract<RowTask, { kind: "update" }>;

const changeable = ["name", "description", "price", "sku"] as const;

/**
 * Matches rows with products by id, or by SKU for a row without an id. A later row of the same
 * product is left for the next round, because the earlier row may change the SKU that it matches by.
 */
export function matchRows(
  rows: readonly ReadRow[],
  products: readonly Product[],
): { tasks: RowTask[]; later: ReadRow[] } {
  const byId = new Map(products.map((product) => [product.id, product]));
  const bySku = new Map(products.map((product) => [product.sku, product]));
  const seen = new Set<string>();
  const tasks: RowTask[] = [];
  const later: ReadRow[] = [];
  for (const row of rows) {
    const { id, sku } = row.values;
    const product = id === undefined ? bySku.get(sku ?? null) : byId.get(id);
    if (product === undefined) tasks.push({ ...row, kind: "create" });
    else if (seen.has(product.id)) later.push(row);
    else {
      seen.add(product.id);
      tasks.push(updateOf(row, product));
    }
  }
  return { tasks, later };
}

function updateOf(row: ReadRow, product: Product): UpdateTask {
  const { values } = row;
  const differing = changeable.filter((name) => {
    // An empty SKU stands for none.
    return values[name] !== undefined && values[name] !== (product[name] ?? "");
  });
  return {
    ...row,
    kind: "update",
    product,
    changes: Object.fromEntries(differing.map((name) => [name, values[name]])),
    stock: values.stock === product.stock ? undefined : values.stock,
  };
}
