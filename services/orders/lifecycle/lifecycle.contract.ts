import { action, event, type ParamRule } from "../../../core/contract.ts";
import { id, ids, instant, int, nullable, optional, text } from "../../../core/validation.ts";
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

export interface ShipOrder {
  id: string;
  /** For example the carrier and its number of the parcel. */
  tracking?: string;
}

export interface OrderPlaced {
  order_id: string;
  user_id: string;
  price_total: number;
  quantity: number;
  lines: { product_id: string; quantity: number; price: number }[];
}

export interface OrderCancelled {
  order_id: string;
  user_id: string;
  /** The user who cancelled the order; null for the operator. */
  cancelled_by: string | null;
  lines: { product_id: string; quantity: number }[];
}

export interface OrderShipped {
  order_id: string;
  user_id: string;
  /** The admin who shipped the order; null for the operator. */
  shipped_by: string | null;
}

export interface OrderDelivered {
  order_id: string;
  user_id: string;
  /** The admin who completed the order; null for the operator. */
  delivered_by: string | null;
}

/** The maximum number of lines in a request. `maxOrderLines` applies after repeated products are merged. */
const maxLinesSent = 1000;

/** The number of orders that one call settles. */
const settleBatch = 100;

/** The validation rule of an event's lines. */
function lines(props: Record<string, ParamRule>): ParamRule {
  return { type: "array", min: 1, items: { type: "object", props } };
}

/** The actions that place orders and change their status. */
export const lifecycleActions = {
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
  cancel: action<{ id: string }, Order>({
    params: { id: id() },
    access: "signed-in",
    graphql: {
      mutation: `
        """
        Cancels an order and returns its pieces to the stock. Users can cancel their own orders,
        admins can cancel all orders, before the order is shipped and within 14 days
        (CANCEL_WITHIN_SECONDS). Errors: UNAUTHENTICATED, BAD_USER_INPUT, ORDER_NOT_FOUND,
        ORDER_NOT_CANCELLABLE.
        """
        cancelOrder("The id of the order" id: ID!): Order!
      `,
    },
  }),
  ship: action<ShipOrder, Order>({
    params: { id: id(), tracking: optional(text(1, 200)) },
    access: "admin",
    graphql: {
      mutation: `
        """
        Marks a placed order as shipped. It can then not be cancelled. For admins. Errors:
        UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, ORDER_NOT_FOUND, ORDER_NOT_SHIPPABLE.
        """
        shipOrder("The order and its tracking text" input: ShipOrder!): Order!
      `,
    },
  }),
  complete: action<{ id: string }, Order>({
    params: { id: id() },
    access: "admin",
    graphql: {
      mutation: `
        """
        Marks a shipped order as delivered. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
        BAD_USER_INPUT, ORDER_NOT_FOUND, ORDER_NOT_COMPLETABLE.
        """
        completeOrder("The id of the order" id: ID!): Order!
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

/** The events of orders. */
export const orderEvents = {
  "order.placed": event<OrderPlaced>(1, {
    order_id: id(),
    user_id: id(),
    price_total: int(0),
    quantity: int(1),
    lines: lines({ product_id: id(), quantity: int(1), price: int(0) }),
  }),
  "order.cancelled": event<OrderCancelled>(1, {
    order_id: id(),
    user_id: id(),
    cancelled_by: nullable(id()),
    lines: lines({ product_id: id(), quantity: int(1) }),
  }),
  "order.shipped": event<OrderShipped>(1, {
    order_id: id(),
    user_id: id(),
    shipped_by: nullable(id()),
  }),
  "order.delivered": event<OrderDelivered>(1, {
    order_id: id(),
    user_id: id(),
    delivered_by: nullable(id()),
  }),
};
