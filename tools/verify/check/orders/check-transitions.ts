import { byId, groups, type Evidence } from "../evidence.ts";
import type { Findings } from "../findings.ts";
import { ofKind } from "../operations.ts";

/** A change of an order's status: its step, and the words of the rules. */
interface Transition {
  kind: "cancelOrder" | "shipOrder" | "completeOrder";
  status: string;
  /** The rejection says that the order had left this status. */
  left?: { status: string; code: string };
  noun: string;
  plural: string;
}

const cancellation: Transition = {
  kind: "cancelOrder",
  status: "CANCELLED",
  left: { status: "PLACED", code: "ORDER_NOT_CANCELLABLE" },
  noun: "cancellation",
  plural: "cancellations",
};
const shipment: Transition = {
  kind: "shipOrder",
  status: "SHIPPED",
  left: { status: "PLACED", code: "ORDER_NOT_SHIPPABLE" },
  noun: "shipment",
  plural: "shipments",
};
// The rejection of a delivery does not say whether the order is already or not yet delivered.
const delivery: Transition = {
  kind: "completeOrder",
  status: "DELIVERED",
  noun: "delivery",
  plural: "deliveries",
};

/** Checks that each cancelled order was cancelled by one request. */
export function checkCancellations(evidence: Evidence, findings: Findings): void {
  checkTransition(cancellation, evidence, findings);
}

/** Checks that each shipped or delivered order was shipped or delivered by one request. */
export function checkShipments(evidence: Evidence, findings: Findings): void {
  checkTransition(shipment, evidence, findings);
  checkTransition(delivery, evidence, findings);
}

/** Each acknowledged transition is a step of its order, and each step has one request. */
function checkTransition(
  { kind, status, left, noun, plural }: Transition,
  { snapshot, operations }: Evidence,
  findings: Findings,
): void {
  const all = ofKind(operations, kind);
  const byOrder = groups(all, ({ input }) => input.order_id);
  const orders = byId(snapshot.orders.orders);
  const stepsOf = groups(snapshot.orders.order_history, ({ order_id }) => order_id);
  const become = status.toLowerCase();
  findings.count(`${plural} requested`, all.length);
  for (const id of new Set(all.map(({ input }) => input.order_id))) {
    const requested = byOrder(id);
    const hasStep = stepsOf(id).some((step) => step.status === status);
    const acknowledged = requested.filter(({ outcome }) => outcome === "ok");
    const evidence = () => ({
      order: orders.get(id) ?? id,
      steps: stepsOf(id),
      [plural]: requested.map(({ op, outcome }) => ({ op, outcome })).slice(0, 5),
    });
    findings.expect(
      acknowledged.length <= 1,
      `an order is ${become} once`,
      `one ${noun} that succeeds`,
      evidence,
    );
    findings.expect(
      acknowledged.length === 0 || hasStep,
      `an order with an acknowledged ${noun} is ${become}`,
      `the step ${status}`,
      evidence,
    );
    const isRejected = requested.some(({ requests }) =>
      requests.some((request) => request.outcome === "rejected" && request.code === left?.code),
    );
    findings.expect(
      !isRejected || orders.get(id)?.status !== left?.status,
      `an order whose ${noun} is rejected has another status`,
      `not the status ${left?.status ?? ""}`,
      evidence,
    );
  }
  for (const step of snapshot.orders.order_history) {
    if (step.status !== status) continue;
    findings.expect(
      byOrder(step.order_id).some(({ outcome }) => outcome !== "rejected"),
      `no order is ${become} without a request`,
      `a request that succeeded or was not answered`,
      () => ({
        step,
        requested: byOrder(step.order_id).map(({ op, outcome }) => ({ op, outcome })),
      }),
    );
  }
}
