import { readFileSync } from "node:fs";
import { action, defineContract, event } from "../../core/contract.ts";
import { id, ids, int, optional, pageRules, type Page } from "../../core/validation.ts";

export interface OrderLine {
  product_id: string;
  quantity: number;
  /** Of one piece when it was ordered, in minor units. */
  price: number;
}

/** An order without its lines. */
export interface OrderSummary {
  id: string;
  user_id: string;
  /** In minor units. */
  price_total: number;
  /** Pieces over all lines. */
  quantity: number;
}

export interface Order extends OrderSummary {
  order_products: OrderLine[];
}

export interface ListedOrder extends OrderSummary {
  /** The user's name, once their registration was read. */
  username: string | null;
}

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

/** Lines as they may come in; repeated products are summed up before they are counted. */
const maxLinesSent = 1000;
/** Orders whose lines one call loads: 30 times 200 lines stay below NATS's 1 MB. */
const linesBatch = 30;
/** Products whose names one call loads. */
const namesBatch = 500;
/** Users whose orders one call loads. */
const usersBatch = 20;

export const ordersContract = defineContract({
  name: "orders",
  graphql: {
    type: readFileSync(new URL("orders.graphql", import.meta.url), "utf8"),
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
        user: { action: "users.resolve", dataLoader: true, rootParams: { user_id: "ids" } },
      },
      AllOrdersOrder: {
        user: { action: "users.resolve", dataLoader: true, rootParams: { user_id: "ids" } },
        order_products: { action: "orders.lines", dataLoader: true, rootParams: { id: "ids" } },
      },
      User: {
        orders: { action: "orders.ofUsers", dataLoader: true, rootParams: { id: "ids" } },
      },
    },
  },
  actions: {
    get: action<{ id: string }, Order>({
      params: { id: id() },
      access: { publicReads: "signed-in" },
      graphql: { query: "order(id: ID!): Order!" },
    }),
    list: action<Page, ListedOrder[]>({
      params: pageRules,
      access: { publicReads: "signed-in" },
      graphql: {
        query: "orders(limit: Int = 1000, offset: Int = 0): [AllOrdersOrder!]!",
        rowsPerCall: 1000,
      },
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
    /** Answers when the service's database does. */
    ready: action<object, boolean>({ params: {}, access: "everyone" }),
  },
  events: {
    "order.placed": event<OrderPlaced>(1),
  },
});
