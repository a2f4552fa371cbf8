import { readFileSync } from "node:fs";
import {
  connectionRules,
  pageArguments,
  type RelayConnection,
  type RowCount,
  type PageArguments,
} from "../../core/relay-connection.ts";
import {
  action,
  defineContract,
  event,
  type EventEnvelope,
  type ParamRule,
} from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import { shortCodeOf, shortCodeRule } from "../../core/ids/short-code.ts";
import {
  id,
  ids,
  instant,
  int,
  listRules,
  nullable,
  oneOf,
  optional,
  text,
  type ListPage,
} from "../../core/validation.ts";
import {
  maxOrderLines,
  type ReservationTrace as StockTrace,
} from "../products/products.contract.ts";

export interface OrderLine {
  product_id: string;
  quantity: number;
  /** The price of one piece at the time of the order, in minor units. */
  price: number;
  /** The name of the product, if it was read too; null until its event is consumed. */
  name?: string | null;
}

const orderStatuses = ["PLACED", "SHIPPED", "DELIVERED", "CANCELLED"] as const;
/** The steps of a delivered order: PLACED, SHIPPED and DELIVERED. */
const maxOrderSteps = 3;
/** The number of orders that `User.orders` returns. */
export const maxOrdersOfUser = 100;

export type OrderStatus = (typeof orderStatuses)[number];

/** A change of an order's status. */
export interface OrderStep {
  status: OrderStatus;
  /** ISO 8601, UTC. */
  at: string;
  /** The tracking text of the shipment; null for other steps. */
  tracking: string | null;
}

/** An order without its lines. */
export interface OrderSummary {
  id: string;
  user_id: string;
  /** In minor units. */
  price_total: number;
  /** The number of pieces in all lines. */
  quantity: number;
  status: OrderStatus;
}

export interface Order extends OrderSummary {
  order_products: OrderLine[];
}

export interface ListedOrder extends OrderSummary {
  /** The user's name; null until the registration event is consumed. */
  username: string | null;
}

/** The criteria for orders. An order must match all of them. */
export interface OrderFilter {
  /** The order's number: the short code of its id. */
  number?: string;
  user_id?: string;
  status?: OrderStatus;
  /** ISO 8601, inclusive. Compared with the time in the order's id. */
  placed_from?: string;
  /** ISO 8601, exclusive. */
  placed_before?: string;
  /** In minor units, inclusive. */
  price_total_min?: number;
  /** In minor units, inclusive. */
  price_total_max?: number;
}

const orderSorts = ["NEWEST_FIRST", "OLDEST_FIRST"] as const;

export type OrderSort = (typeof orderSorts)[number];

export interface OrdersPage extends PageArguments, OrderFilter {
  /** NEWEST_FIRST by default. */
  sort?: OrderSort;
}

const filterRules = {
  number: optional(shortCodeRule),
  user_id: optional(id()),
  status: optional(oneOf(orderStatuses)),
  placed_from: optional(instant()),
  placed_before: optional(instant()),
  price_total_min: optional(int(0)),
  price_total_max: optional(int(0)),
};

export interface PlaceOrder {
  /** The buyer. Required in the REPL; ignored for signed-in users, who buy for themselves. */
  user_id?: string;
  order_products: { product_id: string; quantity: number }[];
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

/** When and on which node a service applied an event. Times are ISO 8601, UTC. */
export interface Consumption {
  consumer: string;
  node: string;
  at: string;
}

/** The data about an order from all services. */
export interface OrderTrace {
  order: Order;
  history: (OrderStep & { user_id: string | null })[];
  /** Null if the products service is unavailable or has no reservation. */
  stock: Omit<StockTrace, "events"> | null;
  /** All events about the order, oldest first, with the services that have applied them. */
  events: (EventEnvelope & { consumed: Consumption[] })[];
}

/** The maximum number of lines in a request. `maxOrderLines` applies after repeated products are merged. */
const maxLinesSent = 1000;
/** The number of orders whose lines one call loads: 30 times 200 lines stay below NATS's 1 MB. */
export const linesBatch = 30;
/** The number of orders whose history one call loads. */
const historyBatch = 200;
/** The number of orders that one call settles. */
const settleBatch = 100;
/** The number of products whose names one call loads. */
const namesBatch = 500;
/** The number of orders that one call loads by their ids. */
const ordersBatch = 100;
/** The number of users whose orders one call loads. */
const usersBatch = 20;

/** The validation rule of an event's lines. */
function lines(props: Record<string, ParamRule>): ParamRule {
  return { type: "array", min: 1, items: { type: "object", props } };
}

/** The computed fields that both GraphQL types of an order have. */
const fieldsFromId = { createdAt: timeOfId, number: shortCodeOf };

/** The joins that both GraphQL types of an order have. */
const linesOfOrder = {
  action: "orders.lines",
  dataLoader: true,
  rootParams: { id: "ids" },
  maxRows: maxOrderLines,
} as const;
const stepsOfOrder = {
  action: "orders.history",
  dataLoader: true,
  rootParams: { id: "ids" },
  maxRows: maxOrderSteps,
} as const;

const updateTimeOfOrder = {
  action: "orders.updateTimes",
  dataLoader: true,
  rootParams: { id: "ids" },
} as const;

/** Errors that only this service throws. */
export const orderErrors = defineErrors({
  ORDER_NOT_FOUND: { status: 404, meaning: "There is no such order, or it is not yours." },
  ORDER_NOT_CANCELLABLE: {
    status: 409,
    meaning: "The order is shipped, delivered or cancelled (`status`), or it is too late.",
  },
  ORDER_NOT_SHIPPABLE: {
    status: 409,
    meaning: "The order is shipped, delivered or cancelled (`status`).",
  },
  ORDER_NOT_COMPLETABLE: {
    status: 409,
    meaning: "The order is not on its way: it is placed, delivered or cancelled (`status`).",
  },
});

export const ordersContract = defineContract({
  name: "orders",
  graphql: {
    type: readFileSync(new URL("orders.graphql", import.meta.url), "utf8"),
    subscriptions: {
      orderPlaced: {
        field: `
          """
          Sends each new order: users get their own orders, admins get all orders. For signed-in
          users. Errors: UNAUTHENTICATED, BAD_USER_INPUT, CURSOR_EXPIRED.
          """
          orderPlaced(
            "The cursor of the last received order: begins with the orders after it"
            after: String
          ): Order!
        `,
        events: ["order.placed"],
        access: { publicReads: "signed-in" },
        owner: "user_id",
        load: { action: "orders.get", parameter: "id", from: "order_id" },
      },
      orderUpdated: {
        field: `
          """
          Sends an order after each change of its status: SHIPPED, DELIVERED or CANCELLED. Users get
          their own orders, admins get all orders. For signed-in users. The order is read when the
          event is sent, so it can have a later status by then. Errors: UNAUTHENTICATED,
          BAD_USER_INPUT, CURSOR_EXPIRED.
          """
          orderUpdated(
            "The cursor of the last received change: begins with the changes after it"
            after: String
          ): Order!
        `,
        events: ["order.shipped", "order.delivered", "order.cancelled"],
        access: { publicReads: "signed-in" },
        owner: "user_id",
        load: { action: "orders.get", parameter: "id", from: "order_id" },
      },
    },
    fromId: { Order: fieldsFromId, AllOrdersOrder: fieldsFromId },
    nodes: { Order: "resolve" },
    resolvers: {
      OrderProduct: {
        name: {
          action: "orders.productNames",
          dataLoader: true,
          rootParams: { product_id: "ids" },
        },
        product: {
          action: "products.resolve",
          dataLoader: true,
          rootParams: { product_id: "ids" },
        },
      },
      Order: {
        order_products: linesOfOrder,
        history: stepsOfOrder,
        updatedAt: updateTimeOfOrder,
        user: { action: "users.resolve", dataLoader: true, rootParams: { user_id: "ids" } },
      },
      AllOrdersOrder: {
        user: { action: "users.resolve", dataLoader: true, rootParams: { user_id: "ids" } },
        order_products: linesOfOrder,
        history: stepsOfOrder,
        updatedAt: updateTimeOfOrder,
      },
      User: {
        orders: {
          action: "orders.ofUsers",
          dataLoader: true,
          rootParams: { id: "ids" },
          maxRows: maxOrdersOfUser,
        },
      },
    },
  },
  actions: {
    get: action<{ id: string }, Order>({
      params: { id: id() },
      access: { publicReads: "signed-in" },
      graphql: {
        query: `
          """
          One order. Users can read their own orders, admins can read all orders. Errors:
          UNAUTHENTICATED, BAD_USER_INPUT, ORDER_NOT_FOUND (also for the order of another user).
          """
          order("The id of the order" id: ID!): Order!
        `,
      },
    }),
    list: action<ListPage, ListedOrder[]>({
      params: listRules,
      access: { publicReads: "signed-in" },
      graphql: {
        query: `
          """
          Orders, oldest first: users get their own orders, admins get all orders. ordersConnection
          reads more than 1,000 orders. Errors: UNAUTHENTICATED, BAD_USER_INPUT.
          """
          orders(
            "The maximum number of orders, 1 to 1,000"
            limit: Int = 1000
            "The number of orders to skip, 0 or more"
            offset: Int = 0
          ): [AllOrdersOrder!]!
        `,
        rowsPerCall: 1000,
      },
    }),
    /**
     * Returns a page of the caller's orders, or of all orders for callers who may see them. Throws
     * FORBIDDEN for another user's `user_id`, and BAD_USER_INPUT for invalid page arguments or a
     * filter that would read all orders.
     */
    page: action<OrdersPage, RelayConnection<OrderSummary>>({
      params: { ...connectionRules, ...filterRules, sort: optional(oneOf(orderSorts)) },
      access: { publicReads: "signed-in" },
      graphql: {
        query: `
          """
          A page of orders: users get their own orders, admins get all orders. Errors:
          UNAUTHENTICATED, FORBIDDEN (the filter names another user), BAD_USER_INPUT.
          """
          ordersConnection(
            ${pageArguments}
            "Which orders to return; all that the caller may read if it is not given"
            filter: OrderFilter
            "The order of the orders"
            sort: OrderSort = NEWEST_FIRST
          ): OrderConnection!
        `,
        countedBy: "count",
      },
    }),
    /** Counts the orders that match a filter. Throws the same errors as `page`. */
    count: action<OrderFilter, RowCount>({
      params: filterRules,
      gateway: true,
      safeToRetry: true,
      access: { publicReads: "signed-in" },
    }),
    place: action<PlaceOrder, Order>({
      params: {
        user_id: optional(id()),
        order_products: {
          type: "array",
          min: 1,
          max: maxLinesSent,
          items: { type: "object", strict: true, props: { product_id: id(), quantity: int(1) } },
        },
      },
      access: "signed-in",
      graphql: {
        mutation: `
          """
          Places an order of the caller: takes the stock of all lines, or fails and takes nothing.
          For signed-in users. Errors: UNAUTHENTICATED, BAD_USER_INPUT, PRODUCT_NOT_FOUND,
          OUT_OF_STOCK.
          """
          placeOrder("The order to place" input: PlaceOrder!): Order!
        `,
      },
    }),
    /**
     * Cancels an order of the caller, or any order for an admin. Returns the cancelled order. Throws
     * ORDER_NOT_FOUND or ORDER_NOT_CANCELLABLE.
     */
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
    /**
     * Marks a placed order as shipped, so that it cannot be cancelled. Throws ORDER_NOT_FOUND or
     * ORDER_NOT_SHIPPABLE.
     */
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
    /** Marks a shipped order as delivered. Throws ORDER_NOT_FOUND or ORDER_NOT_COMPLETABLE. */
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
    /** Returns the data about an order from all services. Throws ORDER_NOT_FOUND. */
    trace: action<{ id: string }, OrderTrace>({ params: { id: id() }, access: "admin" }),
    /**
     * Returns orders without their lines, in the order of the ids; null for an id that is unknown or
     * belongs to another user.
     */
    resolve: action<{ ids: string[] }, (OrderSummary | null)[]>({
      params: { ids: ids(ordersBatch) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: ordersBatch } },
    }),
    /** Returns the status changes of orders, oldest first, in the order of the ids. */
    history: action<{ ids: string[] }, OrderStep[][]>({
      params: { ids: ids(historyBatch) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: historyBatch } },
    }),
    /**
     * Returns the times at which orders got their current status, in the order of the ids; null for
     * another owner's order. ISO 8601, UTC.
     */
    updateTimes: action<{ ids: string[] }, (string | null)[]>({
      params: { ids: ids(historyBatch) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: historyBatch } },
    }),
    /** Returns the lines of orders, in the order of the ids. */
    lines: action<{ ids: string[] }, OrderLine[][]>({
      params: { ids: ids(linesBatch) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: linesBatch } },
    }),
    /** Returns the names of products in the order of the ids; null until the event is consumed. */
    productNames: action<{ ids: string[] }, (string | null)[]>({
      params: { ids: ids(namesBatch) },
      access: "everyone",
      graphql: { dataLoaderOptions: { maxBatchSize: namesBatch } },
    }),
    /** Returns the newest orders of users, in the order of the ids. */
    ofUsers: action<{ ids: string[] }, ListedOrder[][]>({
      params: { ids: ids(usersBatch) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: usersBatch } },
    }),
  },
  events: {
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
  },
});
