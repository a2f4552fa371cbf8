import type { PackedOrderFragment } from "./packing.graphql.ts";

type Order = Pick<PackedOrderFragment, "order_products">;
export type PackedLine = Order["order_products"][number];

/** Returns what all orders need together: a line for each product, in the order of the names. */
export function linesToPick(orders: readonly Order[]): PackedLine[] {
  const sums = new Map<string, PackedLine>();
  for (const line of orders.flatMap(({ order_products: lines }) => lines)) {
    const quantity = (sums.get(line.product_id)?.quantity ?? 0) + line.quantity;
    sums.set(line.product_id, { ...line, quantity });
  }
  return [...sums.values()].toSorted((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
}
