import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { shop } from "../../api/shop.ts";
import {
  ExportedLowStockDocument,
  ExportedProductBySkuDocument,
  ExportedProductsDocument,
  type ExportedProductFragment,
} from "../import/import.graphql.ts";
import type { Cell } from "../csv/write-csv.ts";
import { inStockOf, type ProductView } from "./product-view.ts";

/** The columns of an exported file. An import accepts them. */
export const productExportColumns = [
  "id",
  "sku",
  "name",
  "description",
  "price",
  "stock",
  "version",
  "createdAt",
  "updatedAt",
] as const;

/** Reads the products that the list shows, as rows of a file. */
export async function* exportedProducts(
  view: ProductView,
  signal: AbortSignal,
): AsyncGenerator<Cell[]> {
  for await (const product of productsOf(view, signal)) {
    yield productExportColumns.map((column) => product[column]);
  }
}

async function* productsOf(
  { search, sku, stock }: ProductView,
  signal: AbortSignal,
): AsyncGenerator<ExportedProductFragment> {
  if (sku !== "") {
    try {
      yield (await shop.execute(ExportedProductBySkuDocument, { sku }, { signal })).productBySku;
    } catch (error) {
      if (!isShopError(error, "PRODUCT_NOT_FOUND")) throw error;
    }
  } else if (stock === "low") {
    yield* (await shop.execute(ExportedLowStockDocument, {}, { signal })).lowStockProducts;
  } else {
    const variables = { search, filter: { inStock: inStockOf(stock) } };
    yield* shop.nodes(ExportedProductsDocument, variables, (data) => data.productsConnection, {
      signal,
    });
  }
}
