import type { ShopErrorCode } from "../../../../clients/typescript/src/index.ts";
import { counted } from "./counted.ts";

/**
 * What the console says for an error code. For other codes it shows the message of the shop, which
 * names the case.
 */
export const errorTexts = {
  NETWORK_ERROR: "The shop cannot be reached. Check your connection and try again.",
  TIMEOUT: "The shop did not answer in time. Try again.",
  INVALID_RESPONSE: "The answer of the shop could not be read. Try again.",
  SERVICE_UNAVAILABLE: "A part of the shop is not available. Try again in a moment.",
  UNAUTHENTICATED: "Sign in to do this.",
  FORBIDDEN: "Your account may not do this.",
  INVALID_CREDENTIALS: "Email and password do not belong together.",
  INVALID_RESET_TOKEN: "This token is unknown, expired or used. Ask for a new one.",
  EMAIL_TAKEN: "There is an account with this email already.",
} satisfies Partial<Record<ShopErrorCode, string>>;

export const errorTextOf = {
  unexpected: "An unexpected error occurred. Reload the page and try again.",
  retryAfter: (seconds: number) =>
    `Too many requests. Try again in ${counted(seconds, "second", "seconds")}.`,
  /** In place of the name of an input field. */
  aValue: "A value",
  traced: (traceId: string) =>
    `The shop has an unexpected fault. Its operator finds it by the id ${traceId}.`,
};
