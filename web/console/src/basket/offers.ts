import { keyOf } from "../api/documents.ts";
import { shop } from "../api/shop.ts";
import { BasketProductsDocument } from "./basket.graphql.ts";

/** The query of what the catalogue says about the products of a group: see `idGroups`. */
export const offersQuery = (ids: string[]) => ({
  queryKey: keyOf(BasketProductsDocument, { ids }),
  queryFn: () => shop.execute(BasketProductsDocument, { ids }),
});
