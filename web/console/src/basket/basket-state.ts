import type { Basket, BasketLine } from "./basket.ts";

/** What the catalogue says about a product in the basket. */
export interface OfferedProduct {
  id: string;
  price: number;
  stock: number;
}

/** Why a line cannot be ordered as it is. */
export type LineProblem =
  { kind: "gone" } | { kind: "shortage"; left: number } | { kind: "price"; price: number };

/**
 * Returns the problem of a line.
 *
 * @param offered the product; null if it is not in the catalogue
 */
export function problemOf(
  line: BasketLine,
  offered: OfferedProduct | null,
): LineProblem | undefined {
  if (offered === null || offered.stock <= 0) return { kind: "gone" };
  if (line.quantity > offered.stock) return { kind: "shortage", left: offered.stock };
  if (line.price !== offered.price) return { kind: "price", price: offered.price };
  return undefined;
}

/** The maximum number of ids in a filter: products are queried in groups. */
const maxIds = 100;

export function idGroups(basket: Basket): string[][] {
  const ids = basket.map(({ productId }) => productId).sort();
  return Array.from({ length: Math.ceil(ids.length / maxIds) }, (_, index) =>
    ids.slice(index * maxIds, (index + 1) * maxIds),
  );
}
