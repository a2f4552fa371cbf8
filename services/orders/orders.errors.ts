import { orderErrors } from "./orders.contract.ts";
import { badUserInput, invalidField, ClientError } from "../../core/errors.ts";

/** Also thrown for another user's order, so that callers do not learn which ids exist. */
export const orderNotFound = () =>
  new ClientError(orderErrors.ORDER_NOT_FOUND, "There is no such order.");

export const priceChanged = (productId: string, expected: number, price: number) =>
  new ClientError(orderErrors.PRICE_CHANGED, "The price of this product has changed.", {
    product_id: productId,
    expected,
    price,
  });

export const buyerMissing = () =>
  invalidField("user_id", "The 'user_id' field is required: it names the buyer.");

/**
 * Returns the time of an order that was taken elsewhere. Its id contains the time, and ids sort in
 * the order of placing. Throws BAD_USER_INPUT for a time of the future.
 */
export function pastTime(time: string | undefined): Date | undefined {
  if (time === undefined) return undefined;
  const past = new Date(time);
  if (past.getTime() <= Date.now()) return past;
  throw invalidField("placed_at", "'placed_at' must not be in the future.");
}

/** Rejects a price filter over the orders of all users and all times. */
export const pricesOfAll = (fields: readonly string[]) =>
  badUserInput(
    fields.map((field) => ({
      field,
      message: `The '${field}' field requires 'user_id', 'placed_from' or 'number'.`,
    })),
  );
