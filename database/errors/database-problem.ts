import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { BaseError, ConnectionError } from "sequelize";
import { parsePostgresUrl } from "../../core/network/postgres-url.ts";
import { unknownIssuer } from "../../core/errors.ts";
import { isUnavailable, readOnlyTransaction } from "./database-errors.ts";
import { MigrationProblem } from "../migrator/migration-problem.ts";

/** A service's database, as the configuration names it. */
export interface NamedDatabase {
  service: string;
  /** `postgres://user:password@host:port/database?sslmode=…` */
  url: string;
}

/**
 * A database that cannot be used as it is configured. The message says what to do; the command
 * prints it without a stack.
 */
export class DatabaseProblem extends Error {
  override readonly name = "DatabaseProblem";
  /** The same attempt may succeed later, for example when the server is up. */
  readonly isTemporary: boolean;

  constructor(message: string, isTemporary: boolean, cause: unknown) {
    super(message, { cause });
    this.isTemporary = isTemporary;
  }
}

/** SQLSTATEs of a rejected user or password, and of a rejected host or connection without TLS. */
const rejectedUser = new Set(["28000", "28P01"]);
const noSuchDatabase = "3D000";
const noSchema = "3F000";
const noPermission = "42501";
const tooManyConnections = "53300";
/** The class of statements that do not fit the existing tables. */
const otherTables = "42";
/** Node's codes of a certificate that cannot be verified. */
const tlsFault = /CERT|SIGNATURE|^ERR_TLS|^ERR_SSL|^EPROTO$/;

/** Returns the problem that an error of a connection or of a migration shows; undefined for a fault. */
export function databaseProblemOf(
  error: unknown,
  { service, url }: NamedDatabase,
): DatabaseProblem | undefined {
  const ofDatabase = [BaseError, pg.DatabaseError, MigrationProblem];
  if (!ofDatabase.some((type) => error instanceof type) && !isUnavailable(error)) return undefined;
  const { code = "", message } =
    (error as { parent?: DriverError }).parent ?? (error as DriverError);
  const { host, port, user, database } = parsePostgresUrl(url);
  const server = `PostgreSQL at ${host ?? "localhost"}:${Number(port) > 0 ? port : "5432"}`;
  const setting = `${service.toUpperCase()}_DB_URL`;
  const problem = (text: string, isTemporary = false) =>
    new DatabaseProblem(`${setting}: ${text}`, isTemporary, error);

  if (error instanceof MigrationProblem) return problem(`database "${database}": ${message}`);
  if (rejectedUser.has(code) || message.startsWith("SASL")) {
    return problem(`${server} rejects the user "${user}" (${message}). Correct ${setting}.`);
  }
  if (code === noSuchDatabase) {
    return problem(
      `${server} has no database "${database}". Create it, for example with CREATE DATABASE "${database}" OWNER "${user}", or correct ${setting}.`,
    );
  }
  if (code === noSchema) {
    return problem(
      `the database "${database}" has no schema for the tables of the user "${user}" (${message}). Create it, for example with CREATE SCHEMA public AUTHORIZATION "${user}", or correct search_path.`,
    );
  }
  if (code === noPermission) {
    return problem(
      `the user "${user}" lacks a permission (${message}). Grant it, for example with ALTER DATABASE "${database}" OWNER TO "${user}".`,
    );
  }
  if (code === readOnlyTransaction) {
    return problem(
      `the database "${database}" is read-only (${message}). Make it writable, or correct ${setting} if it names a standby.`,
    );
  }
  if (tlsFault.test(code) || message.includes("does not support SSL")) {
    // Node's text for an unknown issuer names an option of Node.
    const reason = unknownIssuer.test(code) ? `its CA is unknown, ${code}` : message;
    return problem(`TLS with ${server} failed (${reason}). ${tlsRemedy(code, setting)}`);
  }
  if (code === tooManyConnections) {
    return problem(
      `${server} has no free connection (${message}). Lower DB_POOL_MAX of the nodes, or raise the limit.`,
      true,
    );
  }
  if (error instanceof ConnectionError || isUnavailable(error)) {
    return problem(
      `${server} cannot be reached (${message || code}). Start it, or correct ${setting}.`,
      true,
    );
  }
  if (!code.startsWith(otherTables)) return undefined;
  return problem(
    `the database "${database}" cannot be migrated (${message}). If it has tables of other programs, use another database.`,
  );
}

function tlsRemedy(code: string, setting: string): string {
  if (unknownIssuer.test(code)) return `Name the file of the CA by sslrootcert in ${setting}.`;
  if (code === "CERT_HAS_EXPIRED") return "Renew the certificate of the server.";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `Use a host name of the certificate in ${setting}.`;
  }
  return `Correct sslmode in ${setting}.`;
}

interface DriverError {
  code?: string;
  message: string;
}

const retryEveryMs = 1_000;
/** One of ten tries is logged. */
const triesPerLogLine = 10;

/**
 * Calls `connect` until the database answers: nodes and databases may start in any order. Throws
 * DatabaseProblem if waiting does not help. It logs nothing while the broker stops, which closes the
 * databases.
 */
export async function untilConnected(
  connect: () => Promise<unknown>,
  database: NamedDatabase,
  {
    logger,
    broker,
  }: { logger: { warn: (message: string) => void }; broker: { stopping: boolean } },
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await connect();
      return;
    } catch (error) {
      const problem = databaseProblemOf(error, database);
      if (problem?.isTemporary !== true) throw problem ?? error;
      if (tries % triesPerLogLine === 0 && !broker.stopping) {
        logger.warn(`${problem.message} The service tries again every second.`);
      }
      await setTimeout(retryEveryMs);
    }
  }
}
