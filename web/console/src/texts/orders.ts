import { titles } from "./titles.ts";

/** The texts of the orders. */
export const orderTexts = {
  title: titles.orders,
  missing: "There is no such order",
  number: "Order",
  placed: "Placed",
  status: "Status",
  pieces: "Pieces",
  total: "Total",
  statuses: {
    PLACED: "Placed",
    SHIPPED: "Shipped",
    DELIVERED: "Delivered",
    CANCELLED: "Cancelled",
  },
  noneTitle: "You have no orders yet",
  noneText: "What you order appears here.",
  ofShop: "Orders of the shop",
  back: "All orders",
  orderTitle: (number: string) => `Order ${number}`,
  lines: "Products",
  product: "Product",
  price: "Price",
  sum: "Sum",
  unnamed: "Product",
  facts: "Details",
  timeline: "What has happened",
  tracking: (text: string) => `Tracking: ${text}`,
  cancel: "Cancel order",
  cancelTitle: (number: string) => `Cancel order ${number}?`,
  cancelText:
    "The order will be cancelled, and its pieces will go back to the stock. This cannot be undone.",
  cancelled: "The order is cancelled.",
};
