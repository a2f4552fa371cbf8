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
 * A test compares docs/errors.md and the GraphQL enum `ErrorCode` with the catalogue.
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

/** Returns the definition of a code, or undefined if no module has declared it. */
export function definitionOf(code: unknown): ErrorDefinition | undefined {
  return typeof code === "string" ? catalogue.get(code) : undefined;
}

/** Returns all errors that the loaded modules declare. */
export function errorCatalogue(): ErrorDefinition[] {
  return [...catalogue.values()];
}

/** Errors that any service can throw. */
export const commonErrors = defineErrors({
  UNAUTHENTICATED: { status: 401, meaning: "The token is missing, expired or invalid; sign in." },
  FORBIDDEN: { status: 403, meaning: "Your account is not allowed to do this." },
  BAD_USER_INPUT: {
    status: 422,
    meaning: "The input breaks a rule; `fields` says which and where.",
  },
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    meaning: "An earlier request used this `Idempotency-Key` with another input.",
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    meaning: "The same request is still in progress; send it again with its key.",
  },
  TOO_MANY_REQUESTS: { status: 429, meaning: "Try again in `retryAfter` seconds." },
  QUERY_TOO_COMPLEX: { status: 413, meaning: "The request is larger than its `limit`." },
  SERVICE_UNAVAILABLE: {
    status: 503,
    meaning: "A part of the shop is unavailable; try again.",
  },
  INTERNAL_SERVER_ERROR: {
    status: 500,
    meaning: "An unexpected fault; search the logs for `traceId`.",
  },
});

/**
 * An expected error: the call breaks a rule. It is never retried and never logged as a fault. Only
 * `type` and `data` are sure to survive on the wire, so callers compare `type` (see `hasCode`).
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

/** A client error as data, for an answer with several results. */
export interface PlainClientError {
  code: string;
  status: number;
  message: string;
  data: Record<string, unknown>;
}

export function plainOf({ type, code, message, data }: ClientError): PlainClientError {
  return { code: type, status: code, message, data: data as Record<string, unknown> };
}

export function clientErrorOfPlain(plain: PlainClientError): ClientError {
  const { code, status, message, data } = plain;
  return new ClientError({ code, status, meaning: "" }, message, data);
}

/** One broken rule of an input: the path of the field and what is wrong with it. */
export interface FieldViolation {
  field: string;
  message: string;
}

export function badUserInput(fields: FieldViolation[]): ClientError {
  const message = fields.map((field) => field.message).join(" ");
  return new ClientError(commonErrors.BAD_USER_INPUT, message, { fields });
}

/** Returns BAD_USER_INPUT for one field. */
export function invalidField(field: string, message: string): ClientError {
  return badUserInput([{ field, message }]);
}

export function tooManyRequests(message: string, retryAfterSeconds: number): ClientError {
  return new ClientError(commonErrors.TOO_MANY_REQUESTS, message, {
    retryAfter: retryAfterSeconds,
  });
}

/** Returns the error for an unavailable database or broker. The same call may succeed later. */
export function serviceUnavailable(message: string): Errors.MoleculerRetryableError {
  const { code, status } = commonErrors.SERVICE_UNAVAILABLE;
  return new Errors.MoleculerRetryableError(message, status, code, {});
}

/** Returns the code of an error: the shop's, Node's or PostgreSQL's. Undefined if it has none. */
export function codeOf(error: unknown): string | number | undefined {
  const { type, code, parent } = (error ?? {}) as {
    type?: string;
    code?: string | number;
    parent?: { code?: string };
  };
  // Sequelize keeps the error of PostgreSQL as the parent of its own.
  return type ?? code ?? parent?.code;
}

/** Returns the message of an error; a thrown value of another type as a text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Types of Moleculer's errors for a call without an answer. */
const unreachableTypes = new Set([
  "SERVICE_NOT_FOUND",
  "SERVICE_NOT_AVAILABLE",
  "REQUEST_TIMEOUT",
  "REQUEST_SKIPPED",
  "REQUEST_REJECTED",
  "QUEUE_FULL",
  "BAD_GATEWAY",
]);

/** Returns true for the `type` of a Moleculer error for a call without an answer. */
export function isUnreachable(type: unknown): boolean {
  return typeof type === "string" && unreachableTypes.has(type);
}

/** Codes of Node for a certificate whose issuer is not among the known CAs. */
export const unknownIssuer = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

const missingTypes: ReadonlySet<unknown> = new Set(["SERVICE_NOT_FOUND", "SERVICE_NOT_AVAILABLE"]);

/** Returns true if no node has the called action. */
export function isMissing(error: unknown): boolean {
  return missingTypes.has(codeOf(error));
}

/** A retry would not help: the deadline has passed, or NATS is unavailable. */
const finalTypes: ReadonlySet<unknown> = new Set(["REQUEST_TIMEOUT", "BAD_GATEWAY"]);

/** Returns true for an error that a retry on this node or on another one may avoid. */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof Error) || !("retryable" in error) || error.retryable !== true)
    return false;
  return !("type" in error && finalTypes.has(error.type));
}

/** Returns true if the call was sent and its outcome is unknown. */
export function isOutcomeUnknown(error: unknown): boolean {
  const type = error instanceof Error && "type" in error ? error.type : "";
  return type === "REQUEST_TIMEOUT" || type === "REQUEST_REJECTED";
}

/** Returns true for an error with this code, thrown here or regenerated from the wire. */
export function hasCode(error: unknown, { code }: ErrorDefinition): boolean {
  return typeof error === "object" && error !== null && "type" in error && error.type === code;
}

/** Returns the code that a client gets for an error of a call: one of the catalogue. */
export function publicCodeOf(error: unknown): string {
  const { type } = (error ?? {}) as { type?: unknown };
  const { SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR } = commonErrors;
  const fault = isUnreachable(type) ? SERVICE_UNAVAILABLE : INTERNAL_SERVER_ERROR;
  return (definitionOf(type) ?? fault).code;
}

/** Returns true if a service, its database or the broker is unavailable. The next try may succeed. */
export function isServiceUnavailable(error: unknown): boolean {
  return publicCodeOf(error) === commonErrors.SERVICE_UNAVAILABLE.code;
}

/** Returns true for a client error, thrown here or regenerated from the wire. Nothing was changed. */
export function isClientError(error: unknown): boolean {
  const type = typeof error === "object" && error !== null && "type" in error ? error.type : "";
  return (definitionOf(type)?.status ?? 500) < 500;
}
