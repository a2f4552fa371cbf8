import { Errors } from "moleculer";

/**
 * Every code a client can meet in `extensions.code`, with the HTTP-like number that Moleculer's
 * errors carry. README and schema are held against this list by a test.
 */
export const errorCatalogue = {
  UNAUTHENTICATED: { status: 401, meaning: "Sign in first, or the token is not valid any more." },
  FORBIDDEN: { status: 403, meaning: "You are signed in, but this is not yours to do." },
  BAD_USER_INPUT: {
    status: 422,
    meaning: "The input breaks a rule; `fields` says which and where.",
  },
  GRAPHQL_PARSE_FAILED: { status: 400, meaning: "The document is not GraphQL." },
  GRAPHQL_VALIDATION_FAILED: { status: 400, meaning: "The document does not fit the schema." },
  BAD_REQUEST: { status: 400, meaning: "The HTTP request is not one this API takes." },
  PERSISTED_QUERY_NOT_FOUND: {
    status: 404,
    meaning: "No document of this hash is known; send it along.",
  },
  USER_NOT_FOUND: { status: 404, meaning: "There is no such user." },
  PRODUCT_NOT_FOUND: { status: 404, meaning: "There is no such product in the catalogue." },
  ORDER_NOT_FOUND: { status: 404, meaning: "There is no such order, or it is not yours." },
  EMAIL_TAKEN: { status: 409, meaning: "Another account has this email." },
  INVALID_CREDENTIALS: { status: 401, meaning: "Email and password do not belong together." },
  OUT_OF_STOCK: {
    status: 409,
    meaning: "Less is left than was asked for (`product_id`, `asked`, `left`).",
  },
  INSUFFICIENT_STOCK: {
    status: 409,
    meaning: "The subtraction would take the stock below zero (`product_id`, `asked`, `left`).",
  },
  ORDER_NOT_CANCELLABLE: {
    status: 409,
    meaning: "The order is cancelled, or it is too late to cancel it (`status`).",
  },
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    meaning: "This `Idempotency-Key` came with another input before.",
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    meaning: "The same request is still at work; send it again, with its key.",
  },
  TOO_MANY_REQUESTS: { status: 429, meaning: "Come back in `retryAfter` seconds." },
  QUERY_TOO_COMPLEX: { status: 413, meaning: "The request is larger than the `limit` for it." },
  SERVICE_UNAVAILABLE: {
    status: 503,
    meaning: "A part of the shop cannot be reached just now; try again.",
  },
  INTERNAL_SERVER_ERROR: {
    status: 500,
    meaning: "A fault of ours; `traceId` finds it in the logs.",
  },
} as const;

export type ErrorCode = keyof typeof errorCatalogue;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCatalogue, code);
}

/**
 * An expected "no": the caller asked for something the rules do not allow. Never retried, never
 * logged as a fault. Over the wire only `type` and `data` are sure to survive, so whoever
 * tells refusals apart compares `type`.
 */
export class ClientError extends Errors.MoleculerClientError {
  /**
   * @param code what clients see in `extensions.code`
   * @param message a sentence for people
   * @param data further `extensions`, e.g. `{ product_id, asked, left }`
   */
  constructor(code: ErrorCode, message: string, data: Record<string, unknown> = {}) {
    super(message, errorCatalogue[code].status, code, data);
  }
}

/** One broken rule of an input: the path of the field and what is wrong with it. */
export interface FieldFault {
  field: string;
  message: string;
}

export function badUserInput(fields: FieldFault[]): ClientError {
  const message = fields.map((fault) => fault.message).join(" ");
  return new ClientError("BAD_USER_INPUT", message, { fields });
}

/** A part below us (database, broker) is not there: the same call may succeed later. */
export function serviceUnavailable(message: string): Errors.MoleculerRetryableError {
  const code = "SERVICE_UNAVAILABLE";
  return new Errors.MoleculerRetryableError(message, errorCatalogue[code].status, code, {});
}

/** Moleculer's own words for "nobody is there to answer". */
const unreachableTypes = new Set([
  "SERVICE_NOT_FOUND",
  "SERVICE_NOT_AVAILABLE",
  "REQUEST_TIMEOUT",
  "REQUEST_SKIPPED",
  "REQUEST_REJECTED",
  "QUEUE_FULL",
  "BAD_GATEWAY",
]);

/** True for the `type` of an error by which Moleculer says that nobody answered. */
export function isUnreachable(type: unknown): boolean {
  return typeof type === "string" && unreachableTypes.has(type);
}

/** What another try would not change: the time is used up, or NATS is away. */
const finalTypes: ReadonlySet<unknown> = new Set(["REQUEST_TIMEOUT", "BAD_GATEWAY"]);

/** True for an error that another node, or the same one a little later, may not have. */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof Error) || !("retryable" in error) || error.retryable !== true)
    return false;
  return !("type" in error && finalTypes.has(error.type));
}

/** True where a call was sent, and nobody says what became of it. */
export function isOutcomeUnknown(error: unknown): boolean {
  const type = error instanceof Error && "type" in error ? error.type : "";
  return type === "REQUEST_TIMEOUT" || type === "REQUEST_REJECTED";
}

/** True for an error, ours or regenerated from the wire, that carries this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return typeof error === "object" && error !== null && "type" in error && error.type === code;
}

/** True for an expected "no", ours or regenerated from the wire: nothing was changed. */
export function isClientError(error: unknown): boolean {
  const type = typeof error === "object" && error !== null && "type" in error ? error.type : "";
  return isErrorCode(type) && errorCatalogue[type].status < 500;
}
