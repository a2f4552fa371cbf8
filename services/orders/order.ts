import { orderErrors } from "./orders.contract.ts";
import { maxInt } from "../../core/validation.ts";
import { maxOrderLines } from "../products/products.contract.ts";
import { badUserInput, ClientError } from "../../core/errors.ts";
import type { OrderStatus } from "./orders.contract.ts";
import type { ReservationLine, ReservedLine } from "../products/products.contract.ts";

/**
 * One line for each product, with the quantities of repeated ones summed up, in the order of
 * their ids. Refuses with BAD_USER_INPUT what no order can hold.
 */
export function sumUpLines(sent: ReservationLine[]): ReservationLine[] {
  const quantities = new Map<string, number>();
  for (const { product_id, quantity } of sent) {
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  }
  if (quantities.size > maxOrderLines) {
    throw badUserInput([
      {
        field: "order_products",
        message: `An order can name ${maxOrderLines} products at most.`,
      },
    ]);
  }
  const lines = [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));
  assertCountable("order_products", totalQuantity(lines));
  return lines.sort((a, b) => (a.product_id < b.product_id ? -1 : 1));
}

/** Pieces over all lines. */
export function totalQuantity(lines: ReservationLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** What the lines cost together, in minor units. Refuses a total that GraphQL's Int cannot hold. */
export function totalPrice(lines: ReservedLine[]): number {
  const total = lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  assertCountable("order_products", total);
  return total;
}

/** What an order can become. Room for more: an order that is paid or shipped, say. */
const transitions: Record<OrderStatus, readonly OrderStatus[]> = {
  PLACED: ["CANCELLED"],
  CANCELLED: [],
};

/** Refuses with ORDER_NOT_CANCELLABLE what is cancelled already, or was placed too long ago. */
export function assertCancellable(
  { status, placedAt }: { status: OrderStatus; placedAt: Date },
  now: Date,
  withinSeconds: number,
): void {
  const message = !transitions[status].includes("CANCELLED")
    ? `The order is ${status.toLowerCase()} already.`
    : now.getTime() - placedAt.getTime() > withinSeconds * 1000
      ? "It is too late to cancel this order."
      : undefined;
  if (message !== undefined)
    throw new ClientError(orderErrors.ORDER_NOT_CANCELLABLE, message, { status });
}

function assertCountable(field: string, total: number): void {
  if (total <= maxInt) return;
  throw badUserInput([{ field, message: `The order's total exceeds ${maxInt}.` }]);
}
