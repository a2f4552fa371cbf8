import { titles } from "./titles.ts";
import { commonTexts } from "./common.ts";
import { counted } from "./counted.ts";

/** The texts of the trace of an order. */
export const traceTexts = {
  title: titles.orderTrace,
  titleOf: (number: string) => `Trace of order ${number}`,
  intro: "What happened to an order in all services, as one timeline.",
  search: "Number or id of the order",
  searchHint: "For example 1HN4-7T2C-9KQ0, in any case, with hyphens, spaces or neither",
  find: "Show trace",
  notFound: "There is no order with this number or id.",
  noReference: "Enter a number like 1HN4-7T2C-9KQ0, or the id of an order.",
  newest: "Newest orders",
  order: "Order",
  customer: "Customer",
  erasedCustomer: commonTexts.erasedUser,
  placed: "Placed",
  status: "Status",
  noOrdersTitle: "There are no orders yet",
  another: "Another order",
  toOrder: "Show order",
  missing: (services: string) =>
    `These services do not answer, so that their steps are missing: ${services}.`,
  later: (duration: string) => `${duration} later`,
  took: (duration: string) => `took ${duration}`,
  phase: (time: string) => `Steps from ${time}`,
  steps: (count: number) => counted(count, "step", "steps"),
  total: "From the first to the last step",
  services: "Services",
  node: (id: string) => `on ${id}`,
  offset: "after the first step of the part",
  kinds: {
    REQUEST: "Request",
    RESERVATION: "Reservation",
    STATUS: "Status",
    STOCK: "Stock",
    EVENT: "Event recorded",
    APPLICATION: "Event applied",
    DELIVERY: "Webhook",
    SPAN: "Span",
    UNKNOWN: "Step",
  },
};
