import { Errors } from "moleculer";

/** An expected error: its code in `extensions.code`, its HTTP status and its meaning for clients. */
export interface ErrorDefinition {
  code: string;
  status: number;
  meaning: string;
}

const catalogue = new Map<string, ErrorDefinition>();

/**
 * Declares errors that clients can expect, by their codes. Each code is declared once in the shop.
 * The README's table and the GraphQL enum `ErrorCode` are compared with the catalogue by a test.
 */
export function defineErrors<Code extends string>(
  definitions: Record<Code, Omit<ErrorDefinition, "code">>,
): Record<Code, ErrorDefinition> {
  const declared = Object.entries<Omit<ErrorDefinition, "code">>(definitions);
  return Object.fromEntries(
    declared.map(([code, definition]) => {
      if (catalogue.has(code)) throw new Error(`The error code ${code} is declared twice.`);
      const complete = { code, ...definition };
      catalogue.set(code, complete);
      return [code, complete];
    }),
  ) as Record<Code, ErrorDefinition>;
}

/** Gives the definition of a code, or undefined if no module has declared it. */
export function definitionOf(code: unknown): ErrorDefinition | undefined {
  return typeof code === "string" ? catalogue.get(code) : undefined;
}

/** Gives all errors that the loaded modules declare. */
export function errorCatalogue(): ErrorDefinition[] {
  return [...catalogue.values()];
}

/** Errors that any service can throw. */
export const commonErrors = defineErrors({
  UNAUTHENTICATED: { status: 401, meaning: "Sign in first, or the token is not valid any more." },
  FORBIDDEN: { status: 403, meaning: "You are signed in, but this is not yours to do." },
  BAD_USER_INPUT: {
    status: 422,
    meaning: "The input breaks a rule; `fields` says which and where.",
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
});

/**
 * An expected error: the caller asked for something that the rules do not allow. It is never
 * retried and never logged as a fault. Only `type` and `data` are sure to survive on the wire, so
 * callers compare `type` (see `hasCode`).
 */
export class ClientError extends Errors.MoleculerClientError {
  /**
   * @param definition the error's code and status
   * @param message a sentence for people
   * @param data further `extensions`, e.g. `{ product_id, asked, left }`
   */
  constructor(
    { code, status }: ErrorDefinition,
    message: string,
    data: Record<string, unknown> = {},
  ) {
    super(message, status, code, data);
  }
}

/** One broken rule of an input: the path of the field and what is wrong with it. */
export interface FieldFault {
  field: string;
  message: string;
}

export function badUserInput(fields: FieldFault[]): ClientError {
  const message = fields.map((fault) => fault.message).join(" ");
  return new ClientError(commonErrors.BAD_USER_INPUT, message, { fields });
}

/** A part below us (database, broker) is not there: the same call may succeed later. */
export function serviceUnavailable(message: string): Errors.MoleculerRetryableError {
  const { code, status } = commonErrors.SERVICE_UNAVAILABLE;
  return new Errors.MoleculerRetryableError(message, status, code, {});
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
export function hasCode(error: unknown, { code }: ErrorDefinition): boolean {
  return typeof error === "object" && error !== null && "type" in error && error.type === code;
}

/** True for an expected "no", ours or regenerated from the wire: nothing was changed. */
export function isClientError(error: unknown): boolean {
  const type = typeof error === "object" && error !== null && "type" in error ? error.type : "";
  return (definitionOf(type)?.status ?? 500) < 500;
}
