import { isShopError, type ShopErrorCode } from "../../../../clients/typescript/src/index.ts";
import { errorTextOf, errorTexts, lostAnswerTexts } from "../texts/errors.ts";
import { LostAnswer } from "./lost-answer.ts";

const texts: Partial<Record<ShopErrorCode, string>> = errorTexts;
const textsOfLost: Partial<Record<ShopErrorCode, string>> = lostAnswerTexts;

/** Returns what the console says about an error. */
export function errorText(error: unknown): string {
  if (!isShopError(error)) return errorTextOf.unexpected;
  const reason = error instanceof LostAnswer ? lostReason(error) : undefined;
  if (reason !== undefined) return errorTextOf.mayBeDone(reason);
  if (error.traceId !== undefined) return errorTextOf.traced(error.traceId);
  if (error.code === "TOO_MANY_REQUESTS" && error.retryAfter !== undefined) {
    return errorTextOf.retryAfter(error.retryAfter);
  }
  const [field] = error.fields;
  const message = field && fieldText(field.message, errorTextOf.aValue);
  return texts[error.code] ?? message ?? error.message;
}

/** Returns why a request has no answer; undefined if the error says nothing about that. */
export function lostReason(error: unknown): string | undefined {
  if (!isShopError(error)) return undefined;
  return error.traceId === undefined ? textsOfLost[error.code] : errorTextOf.traced(error.traceId);
}

/** The name of an input field at the beginning of a message of the shop: `The 'url' field`. */
const quotedName = /^(?:The )?'[^']*'(?: field)?/;

/** Returns a message of the shop about a field with the field's label in place of its API name. */
export function fieldText(message: string, label: string): string {
  return message.replace(quotedName, () => label);
}

const missingCodes = [
  "ORDER_NOT_FOUND",
  "PRODUCT_NOT_FOUND",
  "USER_NOT_FOUND",
  "WEBHOOK_NOT_FOUND",
] as const;

/** Tells whether nothing has the id that was asked for. A text that is no id belongs to nothing either. */
export function isMissing(error: unknown): boolean {
  if (isShopError(error, ...missingCodes)) return true;
  return isShopError(error) && error.fields.some(({ field }) => field === "id");
}

/**
 * Tells whether the shop does not let the user see or do something. Unlike after an outage, what the
 * user has seen before is not shown any more, and another attempt fails, too.
 */
export function isDenied(error: unknown): boolean {
  return isShopError(error, "UNAUTHENTICATED", "FORBIDDEN", "CONSOLE_DISABLED");
}
