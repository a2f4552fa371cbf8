import {
  BaseError,
  ConnectionError,
  DatabaseError,
  ForeignKeyConstraintError,
  UniqueConstraintError,
} from "sequelize";
import { serviceUnavailable, type ClientError } from "../../core/errors.ts";

/** The client error of each constraint, by the name of the constraint. */
export type ConstraintErrors = Record<string, () => ClientError>;

/** The SQLSTATE of a write on a standby, or where `default_transaction_read_only` is set. */
export const readOnlyTransaction = "25006";
/** SQLSTATEs of a full disk and of a failed access to it. */
const diskFaults = ["53100", "58030"];

/** The SQLSTATE of a transaction that PostgreSQL ended because its process had paused. */
const idleInTransaction = "25P03";
/** SQLSTATEs with which PostgreSQL rolls back a transaction, also at its commit: besides it, conflicts. */
const rolledBack = [idleInTransaction, "40001", "40P01"];
/** SQLSTATEs (classes or codes) of ended connections and waits, which do not tell whether a commit failed. */
const ended = ["08", "57P01", "57P02", "57P03", "55P03"];
/**
 * SQLSTATEs (classes or codes) of errors that a retry may solve: connection exceptions,
 * insufficient resources, operator intervention (shutdown, statement timeout), faults of the
 * operating system, deadlock or serialization failures, a lock timeout, and a paused process.
 */
const unavailableStates = ["08", "53", "57", "58", "40", "55P03", idleInTransaction];
/** PostgreSQL reports the EROFS of a file as a lack of permission (42501). */
const readOnlyFiles = "Read-only file system";

/** Error codes of Node's sockets, which pg passes on unchanged. */
const socketErrors = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "ETIMEDOUT"]);

/** The properties of a driver's or a model's error that may contain values of the statement. */
const propertiesWithValues = [
  "sql",
  "parameters",
  "detail",
  "where",
  "internalQuery",
  "fields",
  "errors",
  "value",
];

/**
 * Removes values such as email addresses and password hashes from a database error, so that the
 * error can be logged. Keeps the SQLSTATE, the names of tables, columns and constraints, and a
 * message without values.
 */
export function withoutValues(error: unknown): unknown {
  const origin = error instanceof BaseError ? (error as { parent?: unknown }).parent : undefined;
  // The messages of data exceptions (SQLSTATE class 22) quote the data.
  const quotesData = propertyOf(origin ?? error, "code")?.startsWith("22") === true;
  for (const part of [error, origin]) {
    if (!(part instanceof Error)) continue;
    for (const property of propertiesWithValues) Reflect.deleteProperty(part, property);
    if (!quotesData && !(part instanceof BaseError)) continue;
    const message = quotesData ? part.message.replace(/"[^]*"/, '"…"') : part.message;
    // Sequelize takes stacks from elsewhere, which do not begin with its message.
    if (part.stack !== undefined) {
      part.stack = `${part.name}: ${message}${framesOf(part.stack, part.message)}`;
    }
    part.message = message;
  }
  return error;
}

/** Returns the lines of a stack after its message, which may have line ends and look like a frame. */
function framesOf(stack: string, message: string): string {
  const at = message === "" ? -1 : stack.indexOf(message);
  const rest = at === -1 ? stack : stack.slice(at + message.length);
  return rest.slice(rest.search(/\n\s+at |$/));
}

/** Returns the name of the violated constraint; undefined for other errors. */
export function brokenConstraintOf(error: unknown): string | undefined {
  const isViolation =
    error instanceof UniqueConstraintError || error instanceof ForeignKeyConstraintError;
  return isViolation ? propertyOf(error.parent, "constraint") : undefined;
}

/** Converts a driver error into a client error or SERVICE_UNAVAILABLE. Returns other errors as they are. */
export function clientErrorOrFault(error: unknown, constraints: ConstraintErrors): unknown {
  // Errors of a model's validation do not pass through `query`, which removes values from others.
  if (error instanceof BaseError) withoutValues(error);
  const constraint = brokenConstraintOf(error);
  if (constraint !== undefined) return constraints[constraint]?.() ?? error;
  if (isUnavailable(error)) {
    const state = refusesWrites(error) ? "accepts no changes at the moment" : "is unavailable";
    return Object.assign(serviceUnavailable(`The database ${state}. Try again later.`), {
      cause: error,
    });
  }
  return error;
}

/** Returns whether PostgreSQL ended a transaction because its process had paused. */
export function hasStoodStill(error: unknown): boolean {
  return propertyOf(originOf(error), "code") === idleInTransaction;
}

/** Returns whether the connection ended during a statement, whose outcome is then unknown. */
export function isConnectionLost(error: unknown): boolean {
  const origin = originOf(error);
  const code = propertyOf(origin, "code");
  if (code !== undefined) return code === "ECONNRESET" || code === "EPIPE";
  // pg sets no code when a connection ends during a query.
  return origin instanceof Error && /^Connection terminated|not queryable/.test(origin.message);
}

/**
 * Returns whether a transaction was certainly rolled back by this error, and can succeed if it is done
 * again.
 *
 * @param isAtCommit false if the error came before `COMMIT`, so that it cannot have been committed
 */
export function isUndone(error: unknown, isAtCommit: boolean): boolean {
  const code = propertyOf(originOf(error), "code") ?? "";
  if (rolledBack.includes(code) || wasNotSent(error)) return true;
  return !isAtCommit && (isConnectionLost(error) || ended.some((state) => code.startsWith(state)));
}

/** A statement was not sent if its connection had ended before, also if it is `COMMIT`. */
function wasNotSent(error: unknown): boolean {
  const origin = originOf(error);
  return origin instanceof Error && origin.message.endsWith("is not queryable");
}

function originOf(error: unknown): unknown {
  return error instanceof DatabaseError ? error.parent : error;
}

/** The message of Sequelize, which sets no code, for a pool that is closed because its service stops. */
const closedPool = /connection manager was closed|pool is draining/;

/** Returns whether a write failed although the database serves reads. A retry may succeed. */
function refusesWrites(error: unknown): boolean {
  return propertyOf(originOf(error), "code") === readOnlyTransaction || isDiskFault(error);
}

/** Returns whether the disk of the database is full, read-only or broken. */
export function isDiskFault(error: unknown): boolean {
  const origin = originOf(error);
  const code = propertyOf(origin, "code") ?? "";
  const message = propertyOf(origin, "message") ?? "";
  return diskFaults.includes(code) || (code === "42501" && message.includes(readOnlyFiles));
}

/** Returns whether a statement came when its service had stopped, and closed its connections. */
export function isPoolClosed(error: unknown): boolean {
  return error instanceof Error && closedPool.test(error.message);
}

/** Returns whether the database does not answer now, or refuses writes. A retry may succeed. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (isPoolClosed(error)) return true;
  if (isConnectionLost(error) || refusesWrites(error)) return true;
  const code = propertyOf(originOf(error), "code");
  if (code === undefined) return false;
  return socketErrors.has(code) || unavailableStates.some((state) => code.startsWith(state));
}

function propertyOf(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = (value as Record<string, unknown>)[key];
  return typeof found === "string" ? found : undefined;
}
