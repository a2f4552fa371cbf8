import { orderErrors } from "./orders.contract.ts";
import { badUserInput, ClientError } from "../../core/errors.ts";

/** Also thrown for another user's order, so that callers do not learn which ids exist. */
export const orderNotFound = () =>
  new ClientError(orderErrors.ORDER_NOT_FOUND, "There is no such order.");

export const buyerMissing = () =>
  badUserInput([
    { field: "user_id", message: "The 'user_id' field is required: it names the buyer." },
  ]);

/** Rejects a price filter over the orders of all users and all times. */
export const pricesOfAll = (fields: readonly string[]) =>
  badUserInput(
    fields.map((field) => ({
      field,
      message: `The '${field}' field requires 'user_id', 'placed_from' or 'number'.`,
    })),
  );
