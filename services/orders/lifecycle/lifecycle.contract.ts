import { action, event } from "../../../core/contract.ts";
import { id, int, nullable, optional, text } from "../../../core/validation.ts";
import type { Order } from "../reading/reading.contract.ts";
import { lineRules } from "../placement/placement.contract.ts";

export interface ShipOrder {
  id: string;
  /** For example the carrier and its number of the parcel. */
  tracking?: string;
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

/** The actions that change the status of orders. */
export const lifecycleActions = {
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
};

/** The events of these actions. */
export const lifecycleEvents = {
  "order.cancelled": event<OrderCancelled>(1, {
    order_id: id(),
    user_id: id(),
    cancelled_by: nullable(id()),
    lines: lineRules({ product_id: id(), quantity: int(1) }),
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
