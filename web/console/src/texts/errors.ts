import type { ShopErrorCode } from "../../../../clients/typescript/src/index.ts";

/**
 * What the console says for an error code. For other codes it shows the message of the shop, which
 * names the case.
 */
export const errorTexts: Partial<Record<ShopErrorCode, string>> = {
  NETWORK_ERROR: "The shop cannot be reached. Check your connection and try again.",
  TIMEOUT: "The shop did not answer in time. Try again.",
  INVALID_RESPONSE: "The answer of the shop could not be read. Try again.",
  SERVICE_UNAVAILABLE: "A part of the shop is not available. Try again in a moment.",
  UNAUTHENTICATED: "Sign in to do this.",
  FORBIDDEN: "Your account may not do this.",
  INVALID_CREDENTIALS: "Email and password do not belong together.",
  EMAIL_TAKEN: "There is an account with this email already.",
};

export const errorTextOf = {
  unexpected: "An unexpected error occurred. Reload the page and try again.",
  retryAfter: (seconds: number) => `Too many requests. Try again in ${seconds} seconds.`,
  traced: (traceId: string) =>
    `The shop has an unexpected fault. Its operator finds it by the id ${traceId}.`,
};
