import {
  ConnectionError,
  DatabaseError,
  ForeignKeyConstraintError,
  UniqueConstraintError,
} from "sequelize";
import { serviceUnavailable, type Refusal } from "../core/errors.ts";

/** Constraint name -> the refusal it stands for. */
export type ConstraintRefusals = Record<string, () => Refusal>;

/**
 * SQLSTATEs (classes or codes) that say the database, not the statement, was at fault: connection
 * exceptions, insufficient resources, operator intervention (shutdown, statement timeout),
 * deadlock or serialization failures, a lock that did not become free in time, and a transaction
 * that was ended because its process had stood still.
 */
const unavailableStates = ["08", "53", "57", "40", "55P03", "25P03"];

/** Error codes of Node's sockets that pg passes on as they are. */
const socketErrors = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "ETIMEDOUT"]);

/** What a driver error means to a caller: a refusal, SERVICE_UNAVAILABLE, or a fault of ours. */
export function refusalOrFault(error: unknown, constraints: ConstraintRefusals): unknown {
  if (error instanceof UniqueConstraintError || error instanceof ForeignKeyConstraintError) {
    return constraints[propertyOf(error.parent, "constraint") ?? ""]?.() ?? error;
  }
  if (isUnavailable(error)) {
    return Object.assign(serviceUnavailable("The database cannot be reached just now."), {
      cause: error,
    });
  }
  return error;
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const origin = error instanceof DatabaseError ? error.parent : error;
  const code = propertyOf(origin, "code");
  if (code === undefined) {
    // pg has no code for a connection that ended under a query.
    return origin instanceof Error && /^Connection terminated|not queryable/.test(origin.message);
  }
  return socketErrors.has(code) || unavailableStates.some((state) => code.startsWith(state));
}

function propertyOf(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = (value as Record<string, unknown>)[key];
  return typeof found === "string" ? found : undefined;
}
