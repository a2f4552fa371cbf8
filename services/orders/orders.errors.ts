import { orderErrors } from "./orders.contract.ts";
import { badUserInput, ClientError } from "../../core/errors.ts";

/** Also for an order that is somebody else's: nobody learns which ids exist. */
export const orderNotFound = () =>
  new ClientError(orderErrors.ORDER_NOT_FOUND, "There is no such order.");

export const buyerMissing = () =>
  badUserInput([{ field: "user_id", message: "The 'user_id' field says who orders." }]);

/** Of all orders, nobody can look for prices. */
export const pricesOfAll = (fields: readonly string[]) =>
  badUserInput(
    fields.map((field) => ({
      field,
      message: `The '${field}' field needs 'user_id' or 'placed_from' beside it.`,
    })),
  );
