import type { HistoryLine } from "../history.ts";
import type { FormerPriceRow, LedgerRow, OrderLineRow, ProductRow, Snapshot } from "../snapshot.ts";
import { operationsOf, type Operation } from "./operations.ts";

/** The input of the checks: the requests of the clients and the tables. */
export interface Evidence {
  history: readonly HistoryLine[];
  operations: readonly Operation[];
  snapshot: Snapshot;
  orderLines: Groups<OrderLineRow>;
  reservationLines: Groups<OrderLineRow>;
  /** The SOLD and RETURNED rows of each order. */
  ledgerOfOrder: Groups<LedgerRow>;
  ledgerOfProduct: Groups<LedgerRow>;
  /** In the order of their versions. */
  formerPricesOfProduct: Groups<FormerPriceRow>;
  /** Returns the price that a version of a product has. */
  priceAt: (product: ProductRow, version: number) => number;
}

/** Returns the rows of a key; none for an unknown key. */
export type Groups<Row> = (key: string) => readonly Row[];

/** Builds the input of the checks, with its indexes. */
export function gatherEvidence(history: readonly HistoryLine[], snapshot: Snapshot): Evidence {
  const { products, orders } = snapshot;
  const formerPricesOfProduct = groups(
    products.former_prices.toSorted((a, b) => a.version - b.version),
    (row) => row.product_id,
  );
  return {
    history,
    operations: operationsOf(history),
    snapshot,
    orderLines: groups(orders.order_lines, (row) => row.order_id),
    reservationLines: groups(products.reservation_lines, (row) => row.order_id),
    ledgerOfOrder: groups(products.stock_changes, (row) => row.order_id ?? ""),
    ledgerOfProduct: groups(products.stock_changes, (row) => row.product_id),
    formerPricesOfProduct,
    priceAt: ({ id, price }, version) =>
      formerPricesOfProduct(id).find((row) => row.version >= version)?.price ?? price,
  };
}

export function groups<Row>(rows: readonly Row[], key: (row: Row) => string): Groups<Row> {
  const byKey = Map.groupBy(rows, key);
  return (value) => byKey.get(value) ?? [];
}

export function byId<Row extends { id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Returns a text that is equal for the same products and quantities. */
export function signature(lines: readonly { product_id: string; quantity: number }[]): string {
  const quantities = new Map<string, number>();
  for (const { product_id, quantity } of lines) {
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  }
  return [...quantities]
    .map(([product, quantity]) => `${product}×${quantity}`)
    .sort()
    .join(" ");
}

/** Returns a text that is equal for the same products, quantities and prices. */
export function pricedSignature(
  lines: readonly { product_id: string; quantity: number; price: number }[],
): string {
  return lines
    .map(({ product_id, quantity, price }) => `${product_id}×${quantity} at ${price}`)
    .sort()
    .join(" ");
}

/**
 * Whether the number of effects fits operations that cannot be told apart: each acknowledged one has
 * an effect, each unanswered one may have. More effects than operations violate invariant 5, not
 * this one.
 */
export function isAccountedFor(
  effects: number,
  operations: readonly Pick<Operation, "outcome">[],
): boolean {
  const acknowledged = operations.filter(({ outcome }) => outcome === "ok").length;
  const unanswered = operations.filter(({ outcome }) => outcome === "unknown").length;
  if (effects < acknowledged) return false;
  return (
    effects <= acknowledged + unanswered || (operations.length > 0 && effects > operations.length)
  );
}
