import { isShopError, ShopError } from "../../../../clients/typescript/src/index.ts";

/**
 * Tells whether a mutation may have taken effect nevertheless. The last two codes are those of a
 * repetition by the client, whose first request had no answer.
 */
export function isOutcomeUnknown(error: unknown): error is ShopError {
  return isShopError(
    error,
    "NETWORK_ERROR",
    "TIMEOUT",
    "INVALID_RESPONSE",
    "SERVICE_UNAVAILABLE",
    "INTERNAL_SERVER_ERROR",
    "IDEMPOTENCY_IN_PROGRESS",
    "TOO_MANY_REQUESTS",
    "UNAUTHENTICATED",
  );
}

/** The error of a mutation that may have taken effect, and whose repetition has no second effect. */
export class LostAnswer extends ShopError {
  constructor({ code, message, details, path, data, errors, cause }: ShopError) {
    super(code, message, { details: { ...details }, path, data, errors, cause });
  }
}
