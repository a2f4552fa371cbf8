import type { OrderAnswer } from "../../history.ts";
import type { OrderRow } from "../../snapshot.ts";
import { checkShipments } from "./check-transitions.ts";
import {
  byId,
  isAccountedFor,
  pricedSignature,
  signature,
  sum,
  type Evidence,
} from "../evidence.ts";
import { checkPrices } from "./check-prices.ts";
import { Findings } from "../findings.ts";
import { ofKind, type OperationOf } from "../operations.ts";

/** The limit of the field `orders`. */
const maxListed = 1_000;

/**
 * Checks invariant 2: an acknowledged order exists for good, with prices that were valid, and so does
 * each acknowledged step of it; a rejected order holds nothing.
 */
export function checkOrders(evidence: Evidence): Findings {
  const findings = new Findings(2);
  const placed = ofKind(evidence.operations, "placeOrder");
  checkAcknowledgedOrders(evidence, placed, findings);
  checkEachOrder(evidence, findings);
  checkOrderCounts(evidence, placed, findings);
  checkReservations(evidence, findings);
  checkReads(evidence, placed, findings);
  checkPrices(evidence, findings);
  checkShipments(evidence, findings);
  return findings;
}

function checkAcknowledgedOrders(
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
      findings.expect(row !== undefined, "an acknowledged order exists", "its row", evidence);
      if (row === undefined) continue;
      findings.expect(
        isSameOrder(row, answer) && row.user_id === user,
        "an order equals its acknowledgement",
        "the buyer, total and quantity of the answer",
        evidence,
      );
      findings.expect(
        pricedSignature(lines) === pricedSignature(answer.order_products) &&
          signature(lines) === signature(input.lines),
        "an order has the requested and acknowledged lines",
        signature(input.lines),
        evidence,
      );
    }
    if (answers.length > 0) findings.count("orders acknowledged", 1);
  }
}

function isSameOrder(row: OrderRow, answer: OrderAnswer): boolean {
  return (
    row.user_id === answer.user_id &&
    row.price_total === answer.price_total &&
    row.quantity === answer.quantity
  );
}

/** The steps of an order with each status. */
const stepsUntil: Record<string, string> = {
  PLACED: "1 PLACED",
  CANCELLED: "1 PLACED, 2 CANCELLED",
  SHIPPED: "1 PLACED, 2 SHIPPED",
  DELIVERED: "1 PLACED, 2 SHIPPED, 3 DELIVERED",
};

/** Each order is consistent in itself: sums, prices, steps. */
function checkEachOrder({ snapshot, orderLines }: Evidence, findings: Findings): void {
  const steps = Map.groupBy(snapshot.orders.order_history, ({ order_id }) => order_id);
  findings.count("orders", snapshot.orders.orders.length);
  for (const order of snapshot.orders.orders) {
    const lines = orderLines(order.id);
    const evidence = () => ({ order, lines, steps: steps.get(order.id) ?? [] });
    findings.expect(
      lines.length > 0 &&
        order.quantity === sum(lines.map(({ quantity }) => quantity)) &&
        order.price_total === sum(lines.map(({ price, quantity }) => price * quantity)),
      "the sums of an order are those of its lines",
      `${order.quantity} pieces for ${order.price_total}`,
      evidence,
    );
    const expected = stepsUntil[order.status] ?? "a known status";
    const found = steps.get(order.id) ?? [];
    findings.expect(
      found.map(({ step, status }) => `${step} ${status}`).join(", ") === expected,
      "the status of an order is its last step",
      expected,
      evidence,
    );
  }
  const orders = byId(snapshot.orders.orders);
  for (const [id, list] of steps) {
    const isTombstone = list.length === 1 && list[0]?.status === "VOID";
    findings.expect(
      isTombstone !== orders.has(id),
      "an order id has either an order or a tombstone",
      "steps of an order, or the single step VOID",
      () => ({ order: id, steps: list, row: orders.get(id) ?? null }),
    );
  }
}

/** Orders of the same buyer with the same lines are as many as acknowledged, more only if unanswered. */
function checkOrderCounts(
  { snapshot, orderLines }: Evidence,
  placed: OperationOf<"placeOrder">[],
  findings: Findings,
): void {
  const requested = Map.groupBy(
    placed,
    ({ user, input }) => `${String(user)} ${signature(input.lines)}`,
  );
  const found = Map.groupBy(
    snapshot.orders.orders,
    ({ id, user_id }) => `${user_id} ${signature(orderLines(id))}`,
  );
  for (const key of new Set([...requested.keys(), ...found.keys()])) {
    const operations = requested.get(key) ?? [];
    const rows = found.get(key) ?? [];
    const acknowledged = operations.filter(({ outcome }) => outcome === "ok");
    const unanswered = operations.filter(({ outcome }) => outcome === "unknown");
    const rejected = operations.filter(({ outcome }) => outcome === "rejected");
    findings.count("orders rejected", rejected.length);
    findings.expect(
      isAccountedFor(rows.length, operations),
      "a rejected or never requested order does not exist",
      `${acknowledged.length} orders, and up to ${unanswered.length} more of unanswered requests`,
      () => {
        const acknowledgedIds = new Set(
          acknowledged.flatMap(({ answers }) => answers.map(({ id }) => id)),
        );
        return {
          unacknowledgedOrders: rows.filter(({ id }) => !acknowledgedIds.has(id)).slice(0, 3),
          acknowledged: acknowledged.map(({ op }) => op).slice(0, 5),
          rejected: rejected.map(({ op }) => op).slice(0, 5),
        };
      },
    );
  }
}

/** After quiescence every reservation belongs to an order and is no longer held. */
function checkReservations({ snapshot, ledgerOfOrder }: Evidence, findings: Findings): void {
  const orders = byId(snapshot.orders.orders);
  findings.count("reservations", snapshot.products.reservations.length);
  for (const reservation of snapshot.products.reservations) {
    findings.expect(
      orders.has(reservation.order_id) && reservation.state !== "HELD",
      "only orders have reservations, and none is held",
      "a sold or cancelled reservation of an order",
      () => ({ reservation, order: orders.get(reservation.order_id) ?? null }),
    );
  }
  for (const { order_id, status } of snapshot.orders.order_history) {
    if (status !== "VOID") continue;
    findings.count("tombstones", 1);
    findings.expect(
      ledgerOfOrder(order_id).length === 0,
      "an order with a tombstone has sold nothing",
      "no rows in the ledger",
      () => ({ order: order_id, rows: ledgerOfOrder(order_id) }),
    );
  }
}

/** A read returns every order that was acknowledged before the read began. */
function checkReads(
  { operations }: Evidence,
  placed: OperationOf<"placeOrder">[],
  findings: Findings,
): void {
  const acknowledged = placed.flatMap(({ user, requests }) =>
    requests.flatMap((request) =>
      request.outcome === "ok" ? [{ user, endMs: request.endMs, answer: request.answer }] : [],
    ),
  );
  const acknowledgedById = new Map(acknowledged.map((order) => [order.answer.id, order]));
  for (const { op, requests, input } of ofKind(operations, "readOrder")) {
    for (const request of requests) {
      const before = acknowledgedById.get(input.order_id);
      if (request.outcome === "unknown" || before === undefined) continue;
      if (before.endMs > request.startMs) continue;
      findings.count("reads of an order", 1);
      findings.expect(
        request.outcome === "ok" &&
          pricedSignature(request.answer.order_products) ===
            pricedSignature(before.answer.order_products) &&
          request.answer.price_total === before.answer.price_total,
        "a read returns an acknowledged order with the same content",
        `the order ${input.order_id} as acknowledged`,
        () => ({ request: op, acknowledged: before.answer, read: request }),
      );
    }
  }
  const acknowledgedByUser = Map.groupBy(acknowledged, ({ user }) => user);
  for (const { op, user, requests } of ofKind(operations, "listOrders")) {
    for (const request of requests) {
      // A full list may leave out orders.
      if (request.outcome !== "ok" || request.answer.ids.length >= maxListed) continue;
      findings.count("reads of the orders of a buyer", 1);
      const listed = new Set(request.answer.ids);
      const missing = (acknowledgedByUser.get(user) ?? []).filter(
        ({ endMs, answer }) => endMs <= request.startMs && !listed.has(answer.id),
      );
      findings.expect(
        missing.length === 0,
        "a buyer's list has all acknowledged orders",
        "all of them",
        () => ({ request: op, missing: missing.map(({ answer }) => answer.id).slice(0, 5) }),
      );
    }
  }
}
