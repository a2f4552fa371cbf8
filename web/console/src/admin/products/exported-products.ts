import { shop } from "../../api/shop.ts";
import { ExportedProductsDocument, type ProductFilter } from "../import/import.graphql.ts";
import type { Cell } from "../csv/write-csv.ts";

/** The columns of an exported file. An import accepts them. */
export const exportColumns = [
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

/** Reads the products that match a filter, as rows of a file. */
export async function* exportedProducts(
  variables: { search: string | undefined; filter: ProductFilter },
  signal: AbortSignal,
): AsyncGenerator<Cell[]> {
  const products = shop.nodes(
    ExportedProductsDocument,
    variables,
    (data) => data.productsConnection,
    {
      signal,
    },
  );
  for await (const product of products) yield exportColumns.map((column) => product[column]);
}
