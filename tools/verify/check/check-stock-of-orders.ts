import type { LedgerRow, OrderLineRow, OrderRow } from "../snapshot.ts";
import { byId, pricedSignature, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";
import { ofKind } from "./operations.ts";

/**
 * Invariant 3: each order's stock is taken exactly once and, when cancelled, given back exactly
 * once.
 */
export function checkStockOfOrders(evidence: Evidence): Findings {
  const findings = new Findings(3);
  checkEachOrder(evidence, findings);
  checkStrangers(evidence, findings);
  checkCancelRequests(evidence, findings);
  return findings;
}

function checkEachOrder(evidence: Evidence, findings: Findings): void {
  const { snapshot, orderLines, reservationLines, ledgerOfOrder } = evidence;
  const reservations = new Map(
    snapshot.products.reservations.map((row) => [row.order_id, row.state]),
  );
  findings.count("orders", snapshot.orders.orders.length);
  for (const order of snapshot.orders.orders) {
    const lines = orderLines(order.id);
    const ledger = ledgerOfOrder(order.id);
    const sold = ledger.filter(({ reason }) => reason === "SOLD");
    const returned = ledger.filter(({ reason }) => reason === "RETURNED");
    const isCancelled = order.status === "CANCELLED";
    findings.count("rows taken", sold.length);
    findings.count("rows given back", returned.length);
    if (isCancelled) findings.count("cancelled orders", 1);
    expectRows(findings, order, sold, lines, -1, "an order's stock is taken exactly once");
    const back = isCancelled ? lines : [];
    expectRows(findings, order, returned, back, 1, "a cancelled order's stock is given back once");
    const state = reservations.get(order.id);
    findings.expect(
      state === (isCancelled ? "CANCELLED" : "SOLD") &&
        pricedSignature(reservationLines(order.id)) === pricedSignature(lines),
      "an order's reservation is as the order",
      `a reservation ${isCancelled ? "CANCELLED" : "SOLD"} with the order's lines`,
      () => ({ order, state: state ?? null, reserved: reservationLines(order.id), lines }),
    );
  }
}

/** One row of the ledger for each line, and no other. */
function expectRows(
  findings: Findings,
  order: OrderRow,
  rows: readonly LedgerRow[],
  lines: readonly OrderLineRow[],
  sign: 1 | -1,
  rule: string,
): void {
  const expected = lines
    .map(({ product_id, quantity }) => `${product_id} ${sign * quantity}`)
    .sort()
    .join(", ");
  const found = rows
    .map(({ product_id, change }) => `${product_id} ${change}`)
    .sort()
    .join(", ");
  findings.expect(found === expected, rule, expected === "" ? "no rows" : expected, () => ({
    order: order.id,
    status: order.status,
    rows,
  }));
}

/** Nothing was taken or given back for what is no order. */
function checkStrangers({ snapshot }: Evidence, findings: Findings): void {
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

/** Orders are cancelled because somebody asked for it, and once. */
function checkCancelRequests({ snapshot, operations }: Evidence, findings: Findings): void {
  const cancels = ofKind(operations, "cancelOrder");
  const byOrder = Map.groupBy(cancels, ({ input }) => input.order_id);
  const orders = byId(snapshot.orders.orders);
  findings.count("cancellations asked for", cancels.length);
  for (const [id, asked] of byOrder) {
    const order = orders.get(id);
    const told = asked.filter(({ outcome }) => outcome === "ok");
    const evidence = () => ({
      order: order ?? id,
      cancellations: asked.map(({ op, outcome }) => ({ op, outcome })).slice(0, 5),
    });
    findings.expect(
      told.length <= 1,
      "an order is cancelled once",
      "one cancellation that succeeds",
      evidence,
    );
    const isKnownCancelled =
      told.length > 0 ||
      asked.some(({ requests }) =>
        requests.some(
          (request) => request.outcome === "refused" && request.code === "ORDER_NOT_CANCELLABLE",
        ),
      );
    findings.expect(
      !isKnownCancelled || order?.status === "CANCELLED",
      "an order whose cancellation was told is cancelled",
      "the status CANCELLED",
      evidence,
    );
  }
  for (const order of snapshot.orders.orders) {
    if (order.status !== "CANCELLED") continue;
    const asked = byOrder.get(order.id) ?? [];
    findings.expect(
      asked.some(({ outcome }) => outcome !== "refused"),
      "nothing is cancelled that nobody cancelled",
      "a request that cancelled it",
      () => ({ order, cancellations: asked.map(({ op, outcome }) => ({ op, outcome })) }),
    );
  }
}
