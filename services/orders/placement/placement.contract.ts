import { action, event, type ParamRule } from "../../../core/contract.ts";
import { id, ids, instant, int, optional } from "../../../core/validation.ts";
import type { Order } from "../reading/reading.contract.ts";

/** A line of an order, as requested. */
export interface RequestedLine {
  product_id: string;
  quantity: number;
  /** The price that the buyer agrees to; any price without it. */
  expectedPrice?: number;
}

export interface PlaceOrder {
  /** The buyer. Required in the REPL; ignored for signed-in users, who buy for themselves. */
  user_id?: string;
  /** When an order was placed that was taken elsewhere. Ignored for signed-in users. */
  placed_at?: string;
  order_products: RequestedLine[];
}

export interface OrderPlaced {
  order_id: string;
  user_id: string;
  price_total: number;
  quantity: number;
  lines: { product_id: string; quantity: number; price: number }[];
}

/** The maximum number of lines in a request. `maxOrderLines` applies after repeated products are merged. */
const maxLinesSent = 1000;

/** The number of orders that one call settles. */
const settleBatch = 100;

/** Returns the validation rule of an event's lines. */
export function lineRules(props: Record<string, ParamRule>): ParamRule {
  return { type: "array", min: 1, items: { type: "object", props } };
}

/** The actions that place orders. */
export const placementActions = {
  place: action<PlaceOrder, Order>({
    params: {
      user_id: optional(id()),
      placed_at: optional(instant()),
      order_products: {
        type: "array",
        min: 1,
        max: maxLinesSent,
        items: {
          type: "object",
          strict: true,
          props: { product_id: id(), quantity: int(1), expectedPrice: optional(int(0)) },
        },
      },
    },
    access: "signed-in",
    graphql: {
      mutation: `
        """
        Places an order of the caller: takes the stock of all lines, or fails and takes nothing.
        For signed-in users. Errors: UNAUTHENTICATED, BAD_USER_INPUT, PRODUCT_NOT_FOUND,
        OUT_OF_STOCK, PRICE_CHANGED.
        """
        placeOrder("The order to place" input: PlaceOrder!): Order!
      `,
    },
  }),
  /**
   * Decides finally which ids are orders: an id without an order gets a tombstone, so that no
   * order is ever placed under it. Returns the ids with tombstones.
   */
  settle: action<{ ids: string[] }, { void: string[] }>({
    params: { ids: ids(settleBatch) },
    safeToRetry: true,
    access: "nobody",
  }),
};

/** The events of these actions. */
export const placementEvents = {
  "order.placed": event<OrderPlaced>(1, {
    order_id: id(),
    user_id: id(),
    price_total: int(0),
    quantity: int(1),
    lines: lineRules({ product_id: id(), quantity: int(1), price: int(0) }),
  }),
};
