import { isShopError } from "../../../../clients/typescript/src/index.ts";
import { errorTextOf, errorTexts } from "../texts/errors.ts";

/** Returns what the console says about an error. */
export function errorText(error: unknown): string {
  if (!isShopError(error)) return errorTextOf.unexpected;
  if (error.traceId !== undefined) return errorTextOf.traced(error.traceId);
  if (error.code === "TOO_MANY_REQUESTS" && error.retryAfter !== undefined) {
    return errorTextOf.retryAfter(error.retryAfter);
  }
  const [field] = error.fields;
  return errorTexts[error.code] ?? field?.message ?? error.message;
}
