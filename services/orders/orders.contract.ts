import { readFileSync } from "node:fs";
import {
  connectionRules,
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
import {
  id,
  ids,
  instant,
  int,
  listRules,
  nullable,
  oneOf,
  optional,
  type ListPage,
} from "../../core/validation.ts";
import {
  maxOrderLines,
  type ReservationTrace as StockTrace,
} from "../products/products.contract.ts";

export interface OrderLine {
  product_id: string;
  quantity: number;
  /** Of one piece when it was ordered, in minor units. */
  price: number;
  /**
   * What the product is called, where that was read along; null for one whose event was not read
   * yet.
   */
  name?: string | null;
}

/** What an order can be. */
const orderStatuses = ["PLACED", "CANCELLED"] as const;
/** Steps of an order's life: it has each status once at most. */
const maxOrderSteps = orderStatuses.length;
/** Orders that `User.orders` gives. */
export const maxOrdersOfUser = 100;

export type OrderStatus = (typeof orderStatuses)[number];

/** One step of an order's life. */
export interface OrderStep {
  status: OrderStatus;
  /** ISO 8601, UTC. */
  at: string;
}

/** An order without its lines. */
export interface OrderSummary {
  id: string;
  user_id: string;
  /** In minor units. */
  price_total: number;
  /** Pieces over all lines. */
  quantity: number;
  status: OrderStatus;
}

export interface Order extends OrderSummary {
  order_products: OrderLine[];
}

export interface ListedOrder extends OrderSummary {
  /** The user's name, once their registration was read. */
  username: string | null;
}

/** What orders are looked for. */
export interface OrderFilter {
  user_id?: string;
  status?: OrderStatus;
  /** ISO 8601, included; of the moment in an order's id. */
  placed_from?: string;
  /** ISO 8601, excluded. */
  placed_before?: string;
  /** In minor units, as is the next one; both included. */
  price_total_min?: number;
  price_total_max?: number;
}

const orderSorts = ["NEWEST_FIRST", "OLDEST_FIRST"] as const;

export type OrderSort = (typeof orderSorts)[number];

export interface OrdersPage extends PageArguments, OrderFilter {
  /** NEWEST_FIRST by default. */
  sort?: OrderSort;
}

const filterRules = {
  user_id: optional(id()),
  status: optional(oneOf(orderStatuses)),
  placed_from: optional(instant()),
  placed_before: optional(instant()),
  price_total_min: optional(int(0)),
  price_total_max: optional(int(0)),
};

export interface PlaceOrder {
  /** The buyer; needed from the REPL, and the signed-in user's own for all others. */
  user_id?: string;
  order_products: { product_id: string; quantity: number }[];
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
  /** Whose doing it was; null for the operator's. */
  cancelled_by: string | null;
  lines: { product_id: string; quantity: number }[];
}

/** When an event was applied by a service, and by which of its nodes. Times are ISO 8601, UTC. */
export interface Consumption {
  consumer: string;
  node: string;
  at: string;
}

/** All that is known of one order, in all services. */
export interface OrderTrace {
  order: Order;
  history: (OrderStep & { user_id: string | null })[];
  /** Null where products cannot be asked. */
  stock: Omit<StockTrace, "events"> | null;
  /** Every event about it, oldest first, and who has applied it. */
  events: (EventEnvelope & { consumed: Consumption[] })[];
}

/** Lines as they may come in; repeated products are summed up before they are counted. */
const maxLinesSent = 1000;
/** Orders whose lines one call loads: 30 times 200 lines stay below NATS's 1 MB. */
export const linesBatch = 30;
/** Orders whose history one call loads. */
const historyBatch = 200;
/** Orders that are settled at once. */
const settleBatch = 100;
/** Products whose names one call loads. */
const namesBatch = 500;
/** Users whose orders one call loads. */
const usersBatch = 20;

/** The lines that an event tells of. */
function lines(props: Record<string, ParamRule>): ParamRule {
  return { type: "array", min: 1, items: { type: "object", props } };
}

/** Joins that both types of an order have. */
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

/** Errors that only this service throws. */
export const orderErrors = defineErrors({
  ORDER_NOT_FOUND: { status: 404, meaning: "There is no such order, or it is not yours." },
  ORDER_NOT_CANCELLABLE: {
    status: 409,
    meaning: "The order is cancelled, or it is too late to cancel it (`status`).",
  },
});

export const ordersContract = defineContract({
  name: "orders",
  graphql: {
    type: readFileSync(new URL("orders.graphql", import.meta.url), "utf8"),
    subscriptions: {
      orderPlaced: {
        field: "orderPlaced: Order!",
        event: "order.placed",
        access: { publicReads: "signed-in" },
        owner: "user_id",
        load: { action: "orders.get", parameter: "id", from: "order_id" },
      },
    },
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
        user: { action: "users.resolve", dataLoader: true, rootParams: { user_id: "ids" } },
      },
      AllOrdersOrder: {
        user: { action: "users.resolve", dataLoader: true, rootParams: { user_id: "ids" } },
        order_products: linesOfOrder,
        history: stepsOfOrder,
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
      graphql: { query: "order(id: ID!): Order!" },
    }),
    list: action<ListPage, ListedOrder[]>({
      params: listRules,
      access: { publicReads: "signed-in" },
      graphql: {
        query: "orders(limit: Int = 1000, offset: Int = 0): [AllOrdersOrder!]!",
        rowsPerCall: 1000,
      },
    }),
    /**
     * A page of one's own orders, or of all. Refuses with FORBIDDEN others' `user_id`, and with
     * BAD_USER_INPUT what is no page or would have to read all orders there are.
     */
    page: action<OrdersPage, RelayConnection<OrderSummary>>({
      params: { ...connectionRules, ...filterRules, sort: optional(oneOf(orderSorts)) },
      access: { publicReads: "signed-in" },
      graphql: {
        query: `ordersConnection(
          first: Int, after: String, last: Int, before: String
          filter: OrderFilter, sort: OrderSort = NEWEST_FIRST
        ): OrderConnection!`,
        countedBy: "count",
      },
    }),
    /** How many of one's own orders, or of all, a filter finds. Refuses as `page` does. */
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
      graphql: { mutation: "placeOrder(input: PlaceOrder!): Order!" },
    }),
    /**
     * Cancels an order of one's own, or any as an admin. Gives it as it stands then. Refuses with
     * ORDER_NOT_FOUND or ORDER_NOT_CANCELLABLE.
     */
    cancel: action<{ id: string }, Order>({
      params: { id: id() },
      access: "signed-in",
      graphql: { mutation: "cancelOrder(id: ID!): Order!" },
    }),
    /**
     * Decides of order ids what they are for good: those that are no order now will never be one,
     * and are given back.
     */
    settle: action<{ ids: string[] }, { void: string[] }>({
      params: { ids: ids(settleBatch) },
      safeToRetry: true,
      access: "nobody",
    }),
    /** All that is known of one order, in all services. Refuses with ORDER_NOT_FOUND. */
    trace: action<{ id: string }, OrderTrace>({ params: { id: id() }, access: "admin" }),
    /** What happened to orders by their ids, in the order asked, oldest first. */
    history: action<{ ids: string[] }, OrderStep[][]>({
      params: { ids: ids(historyBatch) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: historyBatch } },
    }),
    /** The lines of orders by their ids, in the order asked. */
    lines: action<{ ids: string[] }, OrderLine[][]>({
      params: { ids: ids(linesBatch) },
      access: { publicReads: "signed-in" },
      graphql: { dataLoaderOptions: { maxBatchSize: linesBatch } },
    }),
    /** What products are called, in the order asked; null for one whose event was not read yet. */
    productNames: action<{ ids: string[] }, (string | null)[]>({
      params: { ids: ids(namesBatch) },
      access: "everyone",
      graphql: { dataLoaderOptions: { maxBatchSize: namesBatch } },
    }),
    /** The newest orders of users by their ids, in the order asked. */
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
  },
});
