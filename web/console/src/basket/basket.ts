import { readStored, type TextStorage } from "../api/storage.ts";

/** A product in the basket, with the name and the price that the customer has seen. */
export interface BasketLine {
  productId: string;
  name: string;
  /** Of one piece, in minor units. */
  price: number;
  quantity: number;
}

export type Basket = readonly BasketLine[];

/** The key in `localStorage`. */
export const basketKey = "shop-console-basket";
/** An order has at most 200 different products. */
export const maxLines = 200;

export function isBasket(value: unknown): value is Basket {
  return Array.isArray(value) && value.every(isLine);
}

function isLine(value: unknown): value is BasketLine {
  const { productId, name, price, quantity } = (value ?? {}) as Partial<BasketLine>;
  return (
    typeof productId === "string" &&
    typeof name === "string" &&
    Number.isSafeInteger(price) &&
    Number.isSafeInteger(quantity)
  );
}

/** Reads the basket that this browser keeps. */
export function readBasket(storage: TextStorage): Basket {
  return readStored(storage, basketKey, isBasket) ?? [];
}

/** Keeps the basket over reloads. */
export function writeBasket(storage: TextStorage, basket: Basket): void {
  if (basket.length === 0) storage.removeItem(basketKey);
  else storage.setItem(basketKey, JSON.stringify(basket));
}

/**
 * Adds pieces of a product. The price and the name are those that the customer sees now. A basket with
 * the most lines takes no other product.
 */
export function addLine(basket: Basket, added: BasketLine): Basket {
  const present = basket.find(({ productId }) => productId === added.productId);
  if (present === undefined) return basket.length < maxLines ? [...basket, added] : basket;
  const merged = { ...added, quantity: present.quantity + added.quantity };
  return basket.map((line) => (line === present ? merged : line));
}

/** Changes a line. A quantity below 1 removes it. */
export function changeLine(
  basket: Basket,
  productId: string,
  change: Partial<Omit<BasketLine, "productId">>,
): Basket {
  return basket
    .map((line) => (line.productId === productId ? { ...line, ...change } : line))
    .filter(({ quantity }) => quantity >= 1);
}

/** Removes the pieces that were ordered: others may have been added while the order was sent. */
export function withoutOrdered(basket: Basket, ordered: Basket): Basket {
  return ordered.reduce((left, { productId, quantity }) => {
    const present = left.find((line) => line.productId === productId);
    if (present === undefined) return left;
    return changeLine(left, productId, { quantity: present.quantity - quantity });
  }, basket);
}

export function piecesIn(basket: Basket): number {
  return basket.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Returns the price of all lines in minor units. */
export function totalOf(basket: Basket): number {
  return basket.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
}
