import type { LedgerRow, OrderRow } from "../../snapshot.ts";
import { checkCancellations } from "./check-transitions.ts";
import { byId, groups, pricedSignature, type Evidence } from "../evidence.ts";
import { Findings } from "../findings.ts";

/**
 * Checks invariant 3: the stock of each order is taken exactly once and, if the order is cancelled,
 * restocked exactly once. A shipped order is never restocked.
 */
export function checkStockOfOrders(evidence: Evidence): Findings {
  const findings = new Findings(3);
  checkEachOrder(evidence, findings);
  checkRowsBelongToOrders(evidence, findings);
  checkCancellations(evidence, findings);
  return findings;
}

function checkEachOrder(evidence: Evidence, findings: Findings): void {
  const { snapshot, orderLines, reservationLines, ledgerOfOrder } = evidence;
  const reservations = new Map(
    snapshot.products.reservations.map((row) => [row.order_id, row.state]),
  );
  const stepsOf = groups(snapshot.orders.order_history, ({ order_id }) => order_id);
  findings.count("orders", snapshot.orders.orders.length);
  for (const order of snapshot.orders.orders) {
    const lines = orderLines(order.id);
    const ledger = ledgerOfOrder(order.id);
    const sold = ledger.filter(({ reason }) => reason === "SOLD");
    const returned = ledger.filter(({ reason }) => reason === "RETURNED");
    const isCancelled = order.status === "CANCELLED";
    findings.count("rows taken", sold.length);
    findings.count("rows restocked", returned.length);
    if (isCancelled) findings.count("cancelled orders", 1);
    expectRows(findings, order, {
      rule: "the stock of an order is taken exactly once",
      rows: sold,
      changes: lines.map(({ product_id, quantity }) => ({ product_id, change: -quantity })),
    });
    const returns = lines.map(({ product_id, quantity }) => ({ product_id, change: quantity }));
    expectRows(findings, order, {
      rule: "a cancelled order is restocked once",
      rows: returned,
      changes: isCancelled ? returns : [],
    });
    const isShipped = stepsOf(order.id).some(({ status }) => status === "SHIPPED");
    if (isShipped) {
      findings.count("shipped orders", 1);
      const rule = "a shipped order is not restocked";
      expectRows(findings, order, { rule, rows: returned, changes: [] });
    }
    const state = reservations.get(order.id);
    findings.expect(
      state === (isCancelled ? "CANCELLED" : "SOLD") &&
        pricedSignature(reservationLines(order.id)) === pricedSignature(lines),
      "the reservation of an order matches the order",
      `a reservation ${isCancelled ? "CANCELLED" : "SOLD"} with the lines of the order`,
      () => ({ order, state: state ?? null, reserved: reservationLines(order.id), lines }),
    );
  }
}

type StockChange = Pick<LedgerRow, "product_id" | "change">;

interface RowsRule {
  rule: string;
  /** The rows in the ledger. */
  rows: readonly LedgerRow[];
  /** The changes that there must be. */
  changes: readonly StockChange[];
}

/** The ledger has one row for each change, and no other. */
function expectRows(findings: Findings, order: OrderRow, { rule, rows, changes }: RowsRule): void {
  const textOf = (some: readonly StockChange[]) =>
    some
      .map(({ product_id, change }) => `${product_id} ${change}`)
      .sort()
      .join(", ");
  const expected = textOf(changes);
  const isMet = textOf(rows) === expected;
  findings.expect(isMet, rule, expected === "" ? "no rows" : expected, () => ({
    order: order.id,
    status: order.status,
    rows,
  }));
}

/** Each SOLD and RETURNED row belongs to an order. */
function checkRowsBelongToOrders({ snapshot }: Evidence, findings: Findings): void {
  const orders = byId(snapshot.orders.orders);
  for (const row of snapshot.products.stock_changes) {
    if (row.order_id === null) continue;
    findings.expect(
      orders.has(row.order_id),
      "stock is taken for orders only",
      `an order ${row.order_id}`,
      () => ({ row }),
    );
  }
}
