import { badUserInput, Refusal } from "../../core/errors.ts";

/** Also for an order that is somebody else's: nobody learns which ids exist. */
export const orderNotFound = () => new Refusal("ORDER_NOT_FOUND", "There is no such order.");

export const buyerMissing = () =>
  badUserInput([{ field: "user_id", message: "The 'user_id' field says who orders." }]);

export const pricesOfAll = () =>
  badUserInput(
    ["price_total_min", "price_total_max"].map((field) => ({
      field,
      message: "Say whose orders ('user_id'), or since when ('placed_from'), to look for prices.",
    })),
  );
