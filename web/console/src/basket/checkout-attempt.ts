import { readStored, type TextStorage } from "../api/storage.ts";
import { isBasket, type Basket } from "./basket.ts";

/** An order that was sent and whose outcome is unknown yet. It survives a reload. */
export interface CheckoutAttempt {
  /** The idempotency key: whatever is sent with it, and however often, is one order. */
  key: string;
  userId: string;
  /** What is ordered, at the prices that the customer has agreed to. */
  basket: Basket;
}

const attemptKey = "shop-console-checkout";

function isAttempt(value: unknown): value is CheckoutAttempt {
  const { key, userId, basket } = (value ?? {}) as Partial<CheckoutAttempt>;
  return typeof key === "string" && typeof userId === "string" && isBasket(basket);
}

/** Returns the same text for the same products and quantities. */
function contentOf(basket: Basket): string {
  const lines = basket.map(({ productId, quantity }) => `${productId}*${quantity}`);
  return lines.sort().join(" ");
}

/** Returns the attempt whose outcome is unknown, if it was for this order. */
function findAttempt(
  storage: TextStorage,
  userId: string,
  basket: Basket,
): CheckoutAttempt | undefined {
  const attempt = readStored(storage, attemptKey, isAttempt);
  const isSame = attempt?.userId === userId && contentOf(attempt.basket) === contentOf(basket);
  return isSame ? attempt : undefined;
}

/**
 * Returns what to send for an order: the attempt whose outcome is unknown, if it was for the same
 * products and quantities, or else a new one. A repetition has the prices of its first request: with
 * one key, the shop accepts one input only.
 */
export function beginAttempt(
  storage: TextStorage,
  userId: string,
  basket: Basket,
  newKey: () => string,
): CheckoutAttempt {
  const unanswered = findAttempt(storage, userId, basket);
  if (unanswered !== undefined) return unanswered;
  const attempt: CheckoutAttempt = { key: newKey(), userId, basket };
  storage.setItem(attemptKey, JSON.stringify(attempt));
  return attempt;
}

/** Returns true if an attempt has the prices that the basket shows now. */
export function hasPricesOf(attempt: CheckoutAttempt, basket: Basket): boolean {
  const prices = new Map(basket.map(({ productId, price }) => [productId, price]));
  return attempt.basket.every(({ productId, price }) => prices.get(productId) === price);
}

/** The outcome of the attempt is known: the order is placed, or was rejected. */
export function endAttempt(storage: TextStorage): void {
  storage.removeItem(attemptKey);
}

/** Returns true if this order was sent before, and no answer came. */
export function isUnanswered(storage: TextStorage, userId: string, basket: Basket): boolean {
  return findAttempt(storage, userId, basket) !== undefined;
}
