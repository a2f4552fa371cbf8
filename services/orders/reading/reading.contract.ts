import { action } from "../../../core/contract.ts";
import { loader } from "../../../core/graphql/loader.ts";
import { shortCodeRule } from "../../../core/ids/short-code.ts";
import {
  connectionRules,
  pageArguments,
  type RelayConnection,
  type RowCount,
  type PageArguments,
} from "../../../core/relay-connection.ts";
import {
  id,
  instant,
  int,
  listRules,
  oneOf,
  optional,
  type ListPage,
} from "../../../core/validation.ts";

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
export const maxOrderSteps = 3;
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
  /** Only for a caller that has requested the lines. */
  order_products?: OrderLine[];
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

/** The orders of a day in UTC. */
export interface SalesDay {
  /** The date, for example 2026-01-31. */
  day: string;
  /** The number of orders, including cancelled ones. */
  orders: number;
  cancelled: number;
  /** The sum of the orders that are not cancelled, in minor units. */
  revenue: number;
}

/** The number of orders whose lines one call loads: 30 times 200 lines stay below NATS's 1 MB. */
export const linesBatch = 30;
/** The number of orders whose history one call loads. */
const historyBatch = 200;

/** The number of products whose names one call loads. */
const namesBatch = 500;
/** The maximum number of days of `salesByDay`. */
export const maxSalesDays = 92;
export const defaultSalesDays = 28;
/** The number of orders that one call loads by their ids. */
const ordersBatch = 100;
/** The number of users whose orders one call loads. */
const usersBatch = 20;

/** The actions that read orders. */
export const readingActions = {
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
      includes: { order_products: linesBatch },
    },
  }),
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
  salesByDay: action<{ days?: number }, SalesDay[]>({
    params: { days: optional(int(1, maxSalesDays)) },
    access: "admin",
    graphql: {
      query: `
        """
        The orders and the revenue of the last days in UTC, today included, oldest first. For
        admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
        """
        salesByDay("The number of days, 1 to ${maxSalesDays}" days: Int = ${defaultSalesDays}): [SalesDay!]!
      `,
      cost: 100,
    },
  }),
  /**
   * Returns orders without their lines, in the order of the ids; null for an id that is unknown or
   * belongs to another user.
   */
  resolve: loader<OrderSummary | null>(ordersBatch, { publicReads: "signed-in" }),
  /** Returns the status changes of orders, oldest first, in the order of the ids. */
  history: loader<OrderStep[]>(historyBatch, { publicReads: "signed-in" }),
  /**
   * Returns the times at which orders got their current status, in the order of the ids; null for
   * another owner's order. ISO 8601, UTC.
   */
  updateTimes: loader<string | null>(historyBatch, { publicReads: "signed-in" }),
  /** Returns the lines of orders, in the order of the ids. */
  lines: loader<OrderLine[]>(linesBatch, { publicReads: "signed-in" }),
  /** Returns the names of products in the order of the ids; null until the event is consumed. */
  productNames: loader<string | null>(namesBatch, "everyone"),
  /** Returns the newest orders of users, in the order of the ids. */
  ofUsers: loader<ListedOrder[]>(usersBatch, { publicReads: "signed-in" }),
};
