import type { OrderAnswer } from "../history.ts";
import type { OrderRow } from "../snapshot.ts";
import {
  byId,
  isAccountedFor,
  pricedSignature,
  signature,
  sum,
  type Evidence,
} from "./evidence.ts";
import { Findings } from "./findings.ts";
import { ofKind, type OperationOf } from "./operations.ts";

/** Orders that one answer lists at most. */
const maxListed = 1_000;

/**
 * Invariant 2: an order that a client was told of exists for good; an order that a client was
 * refused holds nothing.
 */
export function checkOrders(evidence: Evidence): Findings {
  const findings = new Findings(2);
  const placed = ofKind(evidence.operations, "placeOrder");
  checkToldOrders(evidence, placed, findings);
  checkEachOrder(evidence, findings);
  checkNumbers(evidence, placed, findings);
  checkNothingIsHeld(evidence, findings);
  checkReads(evidence, placed, findings);
  return findings;
}

function checkToldOrders(
  { snapshot, orderLines }: Evidence,
  placed: OperationOf<"placeOrder">[],
  findings: Findings,
): void {
  const orders = byId(snapshot.orders.orders);
  for (const { op, user, input, answers } of placed) {
    for (const answer of answers) {
      const row = orders.get(answer.id);
      const lines = orderLines(answer.id);
      const evidence = () => ({ request: op, answer, row: row ?? null, lines });
      findings.expect(row !== undefined, "an order that was told exists", "its row", evidence);
      if (row === undefined) continue;
      findings.expect(
        isSameOrder(row, answer) && row.user_id === user,
        "an order is what its client was told",
        "the buyer, total and quantity of the answer",
        evidence,
      );
      findings.expect(
        pricedSignature(lines) === pricedSignature(answer.order_products) &&
          signature(lines) === signature(input.lines),
        "an order has the lines that were asked for and answered",
        signature(input.lines),
        evidence,
      );
    }
    if (answers.length > 0) findings.count("orders told", 1);
  }
}

function isSameOrder(row: OrderRow, answer: OrderAnswer): boolean {
  return (
    row.user_id === answer.user_id &&
    row.price_total === answer.price_total &&
    row.quantity === answer.quantity
  );
}

/** Each order in itself: its sums, its prices, its first step. */
function checkEachOrder({ snapshot, orderLines }: Evidence, findings: Findings): void {
  const products = byId(snapshot.products.products);
  const steps = Map.groupBy(snapshot.orders.order_history, ({ order_id }) => order_id);
  findings.count("orders", snapshot.orders.orders.length);
  for (const order of snapshot.orders.orders) {
    const lines = orderLines(order.id);
    const evidence = () => ({ order, lines, steps: steps.get(order.id) ?? [] });
    findings.expect(
      lines.length > 0 &&
        order.quantity === sum(lines.map(({ quantity }) => quantity)) &&
        order.price_total === sum(lines.map(({ price, quantity }) => price * quantity)),
      "an order's sums are those of its lines",
      `${order.quantity} pieces for ${order.price_total}`,
      evidence,
    );
    findings.expect(
      lines.every(({ product_id, price }) => products.get(product_id)?.price === price),
      "an order's lines have the prices of their products",
      "the products' prices, which never changed",
      evidence,
    );
    const expected = order.status === "CANCELLED" ? ["PLACED", "CANCELLED"] : ["PLACED"];
    findings.expect(
      JSON.stringify(steps.get(order.id)?.map(({ status }) => status)) === JSON.stringify(expected),
      "an order's status is the last of its steps",
      expected.join(", "),
      evidence,
    );
  }
  const orders = byId(snapshot.orders.orders);
  for (const [id, list] of steps) {
    const isVoid = list.length === 1 && list[0]?.status === "VOID";
    findings.expect(
      isVoid !== orders.has(id),
      "an order id is either void or an order",
      "steps of an order, or one step VOID",
      () => ({ order: id, steps: list, row: orders.get(id) ?? null }),
    );
  }
}

/** As many orders with the same lines of the same buyer as were told; more only if unanswered. */
function checkNumbers(
  { snapshot, orderLines }: Evidence,
  placed: OperationOf<"placeOrder">[],
  findings: Findings,
): void {
  const asked = Map.groupBy(
    placed,
    ({ user, input }) => `${String(user)} ${signature(input.lines)}`,
  );
  const found = Map.groupBy(
    snapshot.orders.orders,
    ({ id, user_id }) => `${user_id} ${signature(orderLines(id))}`,
  );
  for (const key of new Set([...asked.keys(), ...found.keys()])) {
    const operations = asked.get(key) ?? [];
    const rows = found.get(key) ?? [];
    const told = operations.filter(({ outcome }) => outcome === "ok");
    const open = operations.filter(({ outcome }) => outcome === "unknown");
    const refused = operations.filter(({ outcome }) => outcome === "refused");
    findings.count("orders refused", refused.length);
    findings.expect(
      isAccountedFor(rows.length, operations),
      "what was refused, or never asked for, is no order",
      `${told.length} orders, and up to ${open.length} more of unanswered requests`,
      () => {
        const toldIds = new Set(told.flatMap(({ answers }) => answers.map(({ id }) => id)));
        return {
          ordersNobodyWasToldOf: rows.filter(({ id }) => !toldIds.has(id)).slice(0, 3),
          told: told.map(({ op }) => op).slice(0, 5),
          refused: refused.map(({ op }) => op).slice(0, 5),
        };
      },
    );
  }
}

/** Stock is held for orders only, and for none when all have come to rest. */
function checkNothingIsHeld({ snapshot, ledgerOfOrder }: Evidence, findings: Findings): void {
  const orders = byId(snapshot.orders.orders);
  findings.count("reservations", snapshot.products.reservations.length);
  for (const reservation of snapshot.products.reservations) {
    findings.expect(
      orders.has(reservation.order_id) && reservation.state !== "HELD",
      "what is no order holds nothing",
      "a sold or cancelled reservation of an order",
      () => ({ reservation, order: orders.get(reservation.order_id) ?? null }),
    );
  }
  for (const { order_id, status } of snapshot.orders.order_history) {
    if (status !== "VOID") continue;
    findings.count("order ids made void", 1);
    findings.expect(
      ledgerOfOrder(order_id).length === 0,
      "a void order has sold nothing",
      "no rows in the ledger",
      () => ({ order: order_id, rows: ledgerOfOrder(order_id) }),
    );
  }
}

/** What was told before a read began is in its answer. */
function checkReads(
  { operations }: Evidence,
  placed: OperationOf<"placeOrder">[],
  findings: Findings,
): void {
  const told = placed.flatMap(({ user, requests }) =>
    requests.flatMap((request) =>
      request.outcome === "ok" ? [{ user, endMs: request.endMs, answer: request.answer }] : [],
    ),
  );
  const toldById = new Map(told.map((one) => [one.answer.id, one]));
  for (const { op, requests, input } of ofKind(operations, "readOrder")) {
    for (const request of requests) {
      const before = toldById.get(input.order_id);
      if (request.outcome === "unknown" || before === undefined) continue;
      if (before.endMs > request.startMs) continue;
      findings.count("reads of an order", 1);
      findings.expect(
        request.outcome === "ok" &&
          pricedSignature(request.answer.order_products) ===
            pricedSignature(before.answer.order_products) &&
          request.answer.price_total === before.answer.price_total,
        "an order that was told is found with the same content",
        `the order ${input.order_id} as it was told`,
        () => ({ request: op, told: before.answer, read: request }),
      );
    }
  }
  const toldOfUser = Map.groupBy(told, ({ user }) => user);
  for (const { op, user, requests } of ofKind(operations, "listOrders")) {
    for (const request of requests) {
      // A list that is full leaves out the rest.
      if (request.outcome !== "ok" || request.answer.ids.length >= maxListed) continue;
      findings.count("reads of all one's orders", 1);
      const listed = new Set(request.answer.ids);
      const missing = (toldOfUser.get(user) ?? []).filter(
        ({ endMs, answer }) => endMs <= request.startMs && !listed.has(answer.id),
      );
      findings.expect(
        missing.length === 0,
        "all orders that a buyer was told of are in their list",
        "them all",
        () => ({ request: op, missing: missing.map(({ answer }) => answer.id).slice(0, 5) }),
      );
    }
  }
}
