import type { HistoryLine } from "../history.ts";
import type { LedgerRow, OrderLineRow, Snapshot } from "../snapshot.ts";
import { operationsOf, type Operation } from "./operations.ts";

/** All that the checks know: what clients were told, and what the databases hold. */
export interface Evidence {
  history: readonly HistoryLine[];
  operations: readonly Operation[];
  snapshot: Snapshot;
  orderLines: Groups<OrderLineRow>;
  reservationLines: Groups<OrderLineRow>;
  /** SOLD and RETURNED rows of the ledger, by their order. */
  ledgerOfOrder: Groups<LedgerRow>;
  ledgerOfProduct: Groups<LedgerRow>;
}

/** Rows by a key; nothing where there is none. */
export type Groups<Row> = (key: string) => readonly Row[];

export function gatherEvidence(history: readonly HistoryLine[], snapshot: Snapshot): Evidence {
  const { products, orders } = snapshot;
  return {
    history,
    operations: operationsOf(history),
    snapshot,
    orderLines: groups(orders.order_lines, (row) => row.order_id),
    reservationLines: groups(products.reservation_lines, (row) => row.order_id),
    ledgerOfOrder: groups(products.stock_changes, (row) => row.order_id ?? ""),
    ledgerOfProduct: groups(products.stock_changes, (row) => row.product_id),
  };
}

export function groups<Row>(rows: readonly Row[], key: (row: Row) => string): Groups<Row> {
  const byKey = Map.groupBy(rows, key);
  return (wanted) => byKey.get(wanted) ?? [];
}

export function byId<Row extends { id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Lines of an order as one text, the same for the same products and quantities. */
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

/** The same with the prices. */
export function pricedSignature(
  lines: readonly { product_id: string; quantity: number; price: number }[],
): string {
  return lines
    .map(({ product_id, quantity, price }) => `${product_id}×${quantity} at ${price}`)
    .sort()
    .join(" ");
}

/**
 * Whether the effects of like operations are as many as were told of, and more only where somebody
 * was told nothing. More effects than operations are two effects of one: another invariant.
 */
export function isAccountedFor(
  effects: number,
  operations: readonly Pick<Operation, "outcome">[],
): boolean {
  const told = operations.filter(({ outcome }) => outcome === "ok").length;
  const open = operations.filter(({ outcome }) => outcome === "unknown").length;
  if (effects < told) return false;
  return effects <= told + open || (operations.length > 0 && effects > operations.length);
}
