import { readFileSync } from "node:fs";
import { defineContract } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import { shortCodeOf } from "../../core/ids/short-code.ts";
import { maxOrderLines } from "../products/products.contract.ts";
import { lifecycleActions, lifecycleEvents } from "./lifecycle/lifecycle.contract.ts";
import { placementActions, placementEvents } from "./placement/placement.contract.ts";
import {
  maxOrderSteps,
  maxOrdersOfUser,
  maxSalesDays,
  readingActions,
} from "./reading/reading.contract.ts";
import { traceActions, traceKinds } from "./reading/trace.contract.ts";

export * from "./reading/reading.contract.ts";
export * from "./reading/trace.contract.ts";
export * from "./placement/placement.contract.ts";
export * from "./lifecycle/lifecycle.contract.ts";

/** The computed fields that both GraphQL types of an order have. */
const fieldsFromId = { createdAt: timeOfId, number: shortCodeOf };

/** The joins that both GraphQL types of an order have. */
const joinsOfOrder = {
  order_products: {
    action: "orders.lines",
    dataLoader: true,
    rootParams: { id: "ids" },
    maxRows: maxOrderLines,
  },
  history: {
    action: "orders.history",
    dataLoader: true,
    rootParams: { id: "ids" },
    maxRows: maxOrderSteps,
  },
  updatedAt: { action: "orders.updateTimes", dataLoader: true, rootParams: { id: "ids" } },
  user: { action: "users.resolve", dataLoader: true, rootParams: { user_id: "ids" } },
} as const;

/** Errors that only this service throws. */
export const orderErrors = defineErrors({
  PRICE_CHANGED: {
    status: 409,
    meaning:
      "A product has another price than the order expects (`product_id`, `expected`, `price`).",
  },
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
    listMaxima: { "Query.salesByDay": maxSalesDays },
    nodes: { Order: "resolve" },
    openEnums: {
      OrderTraceKind: {
        description: "A kind of step of an order's timeline",
        values: traceKinds,
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
      Order: joinsOfOrder,
      AllOrdersOrder: joinsOfOrder,
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
    ...readingActions,
    ...traceActions,
    ...placementActions,
    ...lifecycleActions,
  },
  events: { ...placementEvents, ...lifecycleEvents },
});
