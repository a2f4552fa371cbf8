import type { ProductSort } from "../../../../../clients/typescript/src/generated/schema.ts";

/** The filters of the list of products, as they stand in the address. */
export const productFilterNames = ["q", "sku", "stock", "sort"] as const;
export type ProductFilters = Record<(typeof productFilterNames)[number], string>;

export const stockFilters = ["all", "available", "low", "out"] as const;
type StockFilter = (typeof stockFilters)[number];
export const productSorts = [
  "NEWEST_FIRST",
  "OLDEST_FIRST",
  "NAME_ASC",
  "PRICE_ASC",
  "PRICE_DESC",
] as const satisfies readonly ProductSort[];

/** What the list shows. */
export interface ProductView {
  search: string | undefined;
  sku: string;
  stock: StockFilter;
  sort: (typeof productSorts)[number];
}

/**
 * Returns what the list shows. The shop finds an SKU or low stock without other filters, so these
 * do not count then.
 */
export function viewOf({ q, sku, stock, sort }: ProductFilters): ProductView {
  const none = { search: undefined, sku: "", stock: "all", sort: "NEWEST_FIRST" } as const;
  if (sku.trim() !== "") return { ...none, sku: sku.trim() };
  if (stock === "low") return { ...none, stock };
  return {
    search: q.trim() === "" ? undefined : q,
    sku: "",
    stock: stockFilters.find((value) => value === stock) ?? "all",
    sort: productSorts.find((value) => value === sort) ?? "NEWEST_FIRST",
  };
}

/** Returns the filter of the query for stock. */
export function inStockOf(stock: StockFilter): boolean | undefined {
  return stock === "all" ? undefined : stock !== "out";
}
