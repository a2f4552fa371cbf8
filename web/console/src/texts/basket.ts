import { titles } from "./titles.ts";

/** The texts of the basket and of the checkout. */
export const basketTexts = {
  title: titles.basket,
  emptyTitle: "Your basket is empty",
  emptyText: "What you add to it stays here, also when you close the page.",
  lines: "Products in the basket",
  each: (price: string) => `${price} each`,
  quantityOf: (name: string) => `Quantity of ${name}`,
  remove: "Remove",
  removeNamed: (name: string) => `Remove ${name}`,
  gone: "Sold out. Remove it to order the rest.",
  shortage: (left: number) => `Only ${left} left.`,
  reduce: (left: number) => `Reduce to ${left}`,
  priceChanged: (before: string, now: string) => `The price was ${before} and is now ${now}.`,
  acceptPrice: "Accept new price",
  summary: "Summary",
  pieces: "Pieces",
  total: "Total",
  place: "Place order",
  signIn: "Sign in to order",
  pricesChanged: "Prices have changed. Accept the new ones before you order.",
  fixFirst: "Some lines need your decision before you can order.",
  lost: {
    repeatable:
      "Your last order got no answer, so it may already have been placed. Place it again here: the shop recognises it, and it stays one order.",
    expired:
      "You sent this order before, and it got no answer. It may already have been placed. Look at your orders first: if you place it here now, it is another order.",
  },
  toOrders: "Your orders",
  placed: (number: string) => `Order ${number} is placed.`,
};
