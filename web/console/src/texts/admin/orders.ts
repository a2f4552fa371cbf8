import { titles } from "../titles.ts";
import { commonTexts } from "../common.ts";
import { counted } from "../counted.ts";

/** The texts of the admins' pages of orders. */
export const adminOrderTexts = {
  title: titles.orders,
  number: "Order",
  customer: "Customer",
  unknownCustomer: commonTexts.erasedUser,
  actions: "Actions",
  trace: "Show trace",
  numberFilter: "Number",
  numberHint: "Like 1HN4-7T2C-9KQ0",
  sort: "Sort by",
  sorts: { NEWEST_FIRST: "Newest first", OLDEST_FIRST: "Oldest first" },
  status: "Status",
  from: "Placed from",
  before: "Placed before",
  priceMin: "Total from",
  priceMax: "Total to",
  ofUser: (name: string) => `Orders of ${name}`,
  allUsers: "Orders of all users",
  numberInvalid: "Enter a complete order number, for example 1HN4-7T2C-9KQ0.",
  userInvalid: "The address of this page names no valid customer.",
  priceNeedsMore: "A filter by total also needs “Placed from” or a number.",
  priceTooLow: "Enter an amount that is not below “Total from”.",
  live: "Live",
  notLive: "Not live",
  notLiveText: "New orders and changes appear when the shop answers again.",
  liveText: "New orders and changes appear by themselves.",
  showWaiting: (orders: number, hasMore: boolean) =>
    hasMore
      ? `Show more than ${orders} new orders`
      : `Show ${counted(orders, "new order", "new orders")}`,
  emptyTitle: "There are no orders yet",
  emptyText: "They appear here when customers place them.",
  ship: "Ship",
  shipNamed: (number: string) => `Ship order ${number}`,
  tracking: "Tracking text",
  trackingHint: "For example the carrier and the number of the parcel. The customer sees it.",
  shipped: (number: string) => `Order ${number} is shipped.`,
  complete: "Mark as delivered",
  completeText: "The order has arrived. This cannot be undone.",
  completed: (number: string) => `Order ${number} is delivered.`,
  packing: titles.packing,
  packingText: "The orders that are not shipped yet, oldest first.",
  packingMore:
    "There are more of them below: the list and its sums have only those that are loaded.",
  print: "Print",
  toPick: "To pick",
  ofCustomer: (customer: string, time: string) => `${customer}, ${time}`,
  nothingToPackTitle: "There is nothing to pack",
  nothingToPackText: "New orders appear here when customers place them.",
  back: "All orders",
  changed: "Changed",
  email: "Email",
};
