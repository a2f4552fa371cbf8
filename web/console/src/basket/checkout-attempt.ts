import { readStored, type TextStorage } from "../api/storage.ts";
import { isBasket, type Basket } from "./basket.ts";

/** An order that was sent and whose outcome is unknown yet. It survives a reload. */
export interface CheckoutAttempt {
  /** The idempotency key: whatever is sent with it, and however often, is one order. */
  key: string;
  userId: string;
  /** What is ordered, at the prices that the customer has agreed to. */
  basket: Basket;
  /** When it was sent first, by the clock of this browser. Missing if an older console has sent it. */
  atMs?: number;
}

/** What is known of an order without an answer: whether the shop still has its key. */
export type LostOrder = "repeatable" | "expired";

const attemptsKey = "shop-console-checkout";

/** The shop forgets a key after 24 hours. The rest is for the way of the repeated request. */
const keyLastsMs = 23 * 3_600_000;

function isAttempt(value: unknown): value is CheckoutAttempt {
  const { key, userId, basket, atMs } = (value ?? {}) as Partial<CheckoutAttempt>;
  const hasTime = atMs === undefined || typeof atMs === "number";
  return typeof key === "string" && typeof userId === "string" && isBasket(basket) && hasTime;
}

/** An older console has stored one attempt. */
function isStored(value: unknown): value is CheckoutAttempt | CheckoutAttempt[] {
  return Array.isArray(value) ? value.every(isAttempt) : isAttempt(value);
}

/** Returns the attempts without an outcome, at most one for each user of this browser. */
function readAttempts(storage: TextStorage): CheckoutAttempt[] {
  return [readStored(storage, attemptsKey, isStored) ?? []].flat();
}

/** Replaces the attempt of a user. */
function writeAttempt(storage: TextStorage, userId: string, attempt?: CheckoutAttempt): void {
  const others = readAttempts(storage).filter((other) => other.userId !== userId);
  const attempts = attempt === undefined ? others : [...others, attempt];
  if (attempts.length === 0) storage.removeItem(attemptsKey);
  else storage.setItem(attemptsKey, JSON.stringify(attempts));
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
  const content = contentOf(basket);
  return readAttempts(storage).find(
    (attempt) => attempt.userId === userId && contentOf(attempt.basket) === content,
  );
}

/** The clock of the browser can have been set back since. */
function isRepeatable({ atMs }: CheckoutAttempt): boolean {
  return atMs !== undefined && Math.abs(Date.now() - atMs) < keyLastsMs;
}

/**
 * Returns what to send for an order: the attempt whose outcome is unknown, if it was for the same
 * products and quantities and the shop still has its key, or else a new one. A repetition has the prices
 * of its first request: with one key, the shop accepts one input only.
 */
export function beginAttempt(
  storage: TextStorage,
  userId: string,
  basket: Basket,
  newKey: () => string,
): CheckoutAttempt {
  const unanswered = findAttempt(storage, userId, basket);
  if (unanswered !== undefined && isRepeatable(unanswered)) return unanswered;
  const attempt = { key: newKey(), userId, basket, atMs: Date.now() };
  writeAttempt(storage, userId, attempt);
  return attempt;
}

/** Returns true if an attempt has the prices that the basket shows now. */
export function hasPricesOf(attempt: CheckoutAttempt, basket: Basket): boolean {
  const prices = new Map(basket.map(({ productId, price }) => [productId, price]));
  return attempt.basket.every(({ productId, price }) => prices.get(productId) === price);
}

/** The outcome of the user's attempt is known: the order is placed, or was rejected. */
export function endAttempt(storage: TextStorage, userId: string): void {
  writeAttempt(storage, userId);
}

/** Returns what is known of this order if it was sent before, and no answer came; otherwise undefined. */
export function lostOrderOf(
  storage: TextStorage,
  userId: string,
  basket: Basket,
): LostOrder | undefined {
  const attempt = findAttempt(storage, userId, basket);
  if (attempt === undefined) return undefined;
  return isRepeatable(attempt) ? "repeatable" : "expired";
}
