import { ClientError, type ErrorDefinition } from "../../../core/errors.ts";
import { orderErrors, type OrderStatus } from "../orders.contract.ts";

/** A change of an order's status. */
interface Transition {
  from: OrderStatus;
  to: OrderStatus;
  /**
   * The number of the step in the order's history. SHIPPED and CANCELLED have the same number, so
   * that the primary key of the history excludes an order with both.
   */
  step: number;
  /** The error for an order with another status. */
  error: ErrorDefinition;
}

/** All changes of status. An order begins as PLACED with step 1. */
export const transitions = {
  cancel: { from: "PLACED", to: "CANCELLED", step: 2, error: orderErrors.ORDER_NOT_CANCELLABLE },
  ship: { from: "PLACED", to: "SHIPPED", step: 2, error: orderErrors.ORDER_NOT_SHIPPABLE },
  complete: { from: "SHIPPED", to: "DELIVERED", step: 3, error: orderErrors.ORDER_NOT_COMPLETABLE },
} as const satisfies Record<string, Transition>;

/** Throws the error of a transition that an order with this status cannot make. */
export function assertAllowed({ from, to, error }: Transition, status: OrderStatus): void {
  if (status === from) return;
  const [is, must, become] = [status, from, to].map((name) => name.toLowerCase());
  const message = `The order is ${is}. Only ${must} orders can be ${become}.`;
  throw new ClientError(error, message, { status });
}

/** Throws ORDER_NOT_CANCELLABLE if an order is not PLACED any more or was placed too long ago. */
export function assertCancellable(
  { status, placedAt }: { status: OrderStatus; placedAt: Date },
  now: Date,
  withinSeconds: number,
): void {
  assertAllowed(transitions.cancel, status);
  if (now.getTime() - placedAt.getTime() <= withinSeconds * 1000) return;
  const message = "It is too late to cancel this order.";
  throw new ClientError(orderErrors.ORDER_NOT_CANCELLABLE, message, { status });
}
