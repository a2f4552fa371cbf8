import { maxInt } from "../../core/validation.ts";
import { invalidField } from "../../core/errors.ts";
import {
  maxOrderLines,
  type ReservationLine,
  type ReservedLine,
} from "../products/products.contract.ts";
import type { RequestedLine } from "./orders.contract.ts";

/**
 * Merges lines of the same product into one, and sorts the lines by product id. Throws
 * BAD_USER_INPUT if an order cannot hold that many products or pieces.
 */
export function sumUpLines(requested: readonly RequestedLine[]): ReservationLine[] {
  const quantities = new Map<string, number>();
  for (const { product_id, quantity } of requested) {
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  }
  if (quantities.size > maxOrderLines) {
    throw invalidField("order_products", `An order can name ${maxOrderLines} products at most.`);
  }
  const lines = [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));
  assertCountable("order_products", totalQuantity(lines));
  return lines.sort((a, b) => (a.product_id < b.product_id ? -1 : 1));
}

/** Returns the number of pieces in all lines. */
export function totalQuantity(lines: ReservationLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Returns the total price in minor units. Throws BAD_USER_INPUT if GraphQL's Int cannot hold it. */
export function totalPrice(lines: ReservedLine[]): number {
  const total = lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  assertCountable("order_products", total);
  return total;
}

function assertCountable(field: string, total: number): void {
  if (total <= maxInt) return;
  throw invalidField(field, `The order's total exceeds ${maxInt}.`);
}
