import {
  BaseError,
  ConnectionError,
  DatabaseError,
  ForeignKeyConstraintError,
  UniqueConstraintError,
} from "sequelize";
import { serviceUnavailable, type ClientError } from "../core/errors.ts";

/** Constraint name -> the refusal it stands for. */
export type ConstraintErrors = Record<string, () => ClientError>;

/**
 * SQLSTATEs (classes or codes) that say the database, not the statement, was at fault: connection
 * exceptions, insufficient resources, operator intervention (shutdown, statement timeout),
 * deadlock or serialization failures, a lock that did not become free in time, and a transaction
 * that was ended because its process had stood still.
 */
const idleInTransaction = "25P03";
const unavailableStates = ["08", "53", "57", "40", "55P03", idleInTransaction];

/** Error codes of Node's sockets that pg passes on as they are. */
const socketErrors = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "ETIMEDOUT"]);

/** Parts of a driver's or a model's error in which values stand that were to be written or found. */
const partsWithValues = [
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
 * Takes out of a database's error what may be anybody's email or password hash, so that it can be
 * logged wherever it ends up. What is left: SQLSTATE, names of tables, columns and constraints,
 * and a message without values.
 */
export function withoutValues(error: unknown): unknown {
  const origin = error instanceof BaseError ? (error as { parent?: unknown }).parent : undefined;
  for (const one of [error, origin]) {
    if (!(one instanceof Error)) continue;
    for (const part of partsWithValues) Reflect.deleteProperty(one, part);
    // SQLSTATE class 22, data exceptions: what stands in quotation marks is the data.
    if (propertyOf(origin ?? error, "code")?.startsWith("22") !== true) continue;
    const message = one.message.replace(/"[^]*"/, '"…"');
    if (one.stack !== undefined) one.stack = one.stack.replace(one.message, message);
    one.message = message;
  }
  return error;
}

/** The name of the constraint that a statement has broken, if that was what failed. */
export function brokenConstraintOf(error: unknown): string | undefined {
  const isBroken =
    error instanceof UniqueConstraintError || error instanceof ForeignKeyConstraintError;
  return isBroken ? propertyOf(error.parent, "constraint") : undefined;
}

/** What a driver error means to a caller: a refusal, SERVICE_UNAVAILABLE, or a fault of ours. */
export function clientErrorOrFault(error: unknown, constraints: ConstraintErrors): unknown {
  // A model's own complaint has met no database yet.
  if (error instanceof BaseError) withoutValues(error);
  const constraint = brokenConstraintOf(error);
  if (constraint !== undefined) return constraints[constraint]?.() ?? error;
  if (isUnavailable(error)) {
    return Object.assign(serviceUnavailable("The database cannot be reached just now."), {
      cause: error,
    });
  }
  return error;
}

/** Whether PostgreSQL has ended a transaction because its process stood still in it. */
export function hasStoodStill(error: unknown): boolean {
  return propertyOf(originOf(error), "code") === idleInTransaction;
}

/** Whether a connection has ended under a statement: nobody says whether it was carried out. */
export function isConnectionLost(error: unknown): boolean {
  const origin = originOf(error);
  const code = propertyOf(origin, "code");
  if (code !== undefined) return code === "ECONNRESET" || code === "EPIPE";
  // pg has no code for a connection that ended under a query.
  return origin instanceof Error && /^Connection terminated|not queryable/.test(origin.message);
}

function originOf(error: unknown): unknown {
  return error instanceof DatabaseError ? error.parent : error;
}

/** What Sequelize says, without a code, of a pool that is closed because its service stops. */
const closedPool = /connection manager was closed|pool is draining/;

function isUnavailable(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (error instanceof Error && closedPool.test(error.message)) return true;
  if (isConnectionLost(error)) return true;
  const code = propertyOf(originOf(error), "code");
  if (code === undefined) return false;
  return socketErrors.has(code) || unavailableStates.some((state) => code.startsWith(state));
}

function propertyOf(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = (value as Record<string, unknown>)[key];
  return typeof found === "string" ? found : undefined;
}
