import type { ShopErrorCode } from "../../../../clients/typescript/src/index.ts";
import { counted } from "./counted.ts";

/**
 * What the console says for an error code. For other codes it shows the message of the shop, which
 * names the case.
 */
export const errorTexts = {
  // A form shows its error until it is sent again, also after the connection is back.
  NETWORK_ERROR: "The shop could not be reached. Check your connection and try again.",
  TIMEOUT: "The shop did not answer in time. Try again.",
  INVALID_RESPONSE: "The answer of the shop could not be read. Try again.",
  SERVICE_UNAVAILABLE: "A part of the shop was not available. Try again in a moment.",
  UNAUTHENTICATED: "Sign in to do this.",
  FORBIDDEN: "Your account may not do this.",
  INVALID_CREDENTIALS: "Email and password do not belong together.",
  INVALID_RESET_TOKEN: "This token is unknown, expired or used. Ask for a new one.",
  EMAIL_TAKEN: "There is an account with this email already.",
} satisfies Partial<Record<ShopErrorCode, string>>;

/** What the console says first about a mutation that may have taken effect. */
export const lostAnswerTexts = {
  NETWORK_ERROR: "The shop could not be reached.",
  TIMEOUT: "The shop did not answer in time.",
  INVALID_RESPONSE: "The answer of the shop could not be read.",
  SERVICE_UNAVAILABLE: "A part of the shop was not available.",
  IDEMPOTENCY_IN_PROGRESS: "The shop has not finished this request.",
} satisfies Partial<Record<ShopErrorCode, string>>;

export const errorTextOf = {
  /** A mutation may have taken effect. */
  mayBeDone: (reason: string) =>
    `${reason} Your request may have taken effect. It is safe to repeat it unchanged: it takes effect only once.`,
  unexpected: "An unexpected error occurred. Reload the page and try again.",
  retryAfter: (seconds: number) =>
    `Too many requests. Try again in ${counted(seconds, "second", "seconds")}.`,
  /** In place of the name of an input field. */
  aValue: "A value",
  traced: (traceId: string) =>
    `The shop has an unexpected fault. Its operator finds it by the id ${traceId}.`,
};
