import { importTexts } from "../../texts/admin/import.ts";
import type { RowValues } from "./columns.ts";
import type {
  CreateProduct,
  InventoryChangeInput,
  UpdateProductInput,
} from "../../../../../clients/typescript/src/generated/schema.ts";
import type { ImportMatchFragment } from "./import.graphql.ts";

/** A row that can be read. */
export interface ReadRow {
  line: number;
  values: RowValues;
}

/** What an import has to do for a row. */
export type RowTask = { line: number } & (
  | { kind: "create"; input: CreateProduct }
  | {
      kind: "update";
      changes: UpdateProductInput | undefined;
      stock: InventoryChangeInput | undefined;
    }
  | { kind: "unchanged" }
  | { kind: "failed"; reason: string }
);

type Product = ImportMatchFragment;

/** The lines of the rows that name products, by the ids of the products. */
export type ProductLines = Map<string, number>;

/**
 * Compares rows with the products that they match. Notes the lines of the products. A row fails if
 * another line names its product, by an id or by an SKU.
 */
export function matchRows(
  rows: readonly ReadRow[],
  products: readonly Product[],
  lines: ProductLines,
): RowTask[] {
  const byId = new Map(products.map((product) => [product.id, product]));
  const bySku = new Map(products.map((product) => [product.sku, product]));
  return rows.map(({ line, values }) => {
    const { id, sku } = values;
    const product = id === undefined ? bySku.get(sku ?? null) : byId.get(id);
    if (product === undefined) {
      if (id === undefined) return { line, ...creation(values) };
      return { line, kind: "failed", reason: importTexts.unknownId };
    }
    // A row of an interrupted import is matched again.
    const first = lines.get(product.id) ?? line;
    if (first !== line) return { line, kind: "failed", reason: importTexts.repeated(first) };
    lines.set(product.id, line);
    return { line, ...difference(values, product) };
  });
}

type Task = RowTask extends infer Kind
  ? Kind extends RowTask
    ? Omit<Kind, "line">
    : never
  : never;

function creation({ sku, name, description = "", price, stock = 0 }: RowValues): Task {
  if (name === undefined) return { kind: "failed", reason: importTexts.nameMissing };
  if (price === undefined) return { kind: "failed", reason: importTexts.priceMissing };
  return { kind: "create", input: { sku, name, description, price, stock } };
}

/** Only values that differ are changed. */
function difference({ stock, version, ...values }: RowValues, product: Product): Task {
  const fields = (["sku", "name", "description", "price"] as const).filter(
    (field) => values[field] !== undefined && values[field] !== product[field],
  );
  const isStockChanged = stock !== undefined && stock !== product.stock;
  if (fields.length === 0 && !isStockChanged) return { kind: "unchanged" };
  if (fields.length > 0 && version !== undefined && version !== product.version) {
    return { kind: "failed", reason: importTexts.versionConflict(product.version) };
  }
  const changed = Object.fromEntries(fields.map((field) => [field, values[field]]));
  const { id } = product;
  return {
    kind: "update",
    changes: fields.length > 0 ? { id, version: product.version, ...changed } : undefined,
    stock: isStockChanged ? { id, stock } : undefined,
  };
}
