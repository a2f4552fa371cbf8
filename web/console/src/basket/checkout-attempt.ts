import { readStored, type TextStorage } from "../api/storage.ts";
import type { Basket } from "./basket.ts";

/** An order that was sent and whose outcome is unknown yet. It survives a reload. */
interface CheckoutAttempt {
  /** The idempotency key: whatever is sent with it, and however often, is one order. */
  key: string;
  /** Who ordered what. */
  intention: string;
}

const attemptKey = "shop-console-checkout";

function isAttempt(value: unknown): value is CheckoutAttempt {
  const { key, intention } = (value ?? {}) as Partial<CheckoutAttempt>;
  return typeof key === "string" && typeof intention === "string";
}

/** Returns the same text for the same products and quantities of the same user. */
function intentionOf(userId: string, basket: Basket): string {
  const lines = basket.map(({ productId, quantity }) => `${productId}*${quantity}`).sort();
  return [userId, ...lines].join(" ");
}

/**
 * Returns the idempotency key for an order: that of the attempt whose outcome is unknown, if it was
 * for the same order, or else a new one.
 */
export function beginAttempt(
  storage: TextStorage,
  userId: string,
  basket: Basket,
  newKey: () => string,
): string {
  const intention = intentionOf(userId, basket);
  const unanswered = readStored(storage, attemptKey, isAttempt);
  if (unanswered?.intention === intention) return unanswered.key;
  const attempt: CheckoutAttempt = { key: newKey(), intention };
  storage.setItem(attemptKey, JSON.stringify(attempt));
  return attempt.key;
}

/** The outcome of the attempt is known: the order is placed, or was rejected. */
export function endAttempt(storage: TextStorage): void {
  storage.removeItem(attemptKey);
}

/** Returns true if this order was sent before, and no answer came. */
export function isUnanswered(storage: TextStorage, userId: string, basket: Basket): boolean {
  const attempt = readStored(storage, attemptKey, isAttempt);
  return attempt?.intention === intentionOf(userId, basket);
}
