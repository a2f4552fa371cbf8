import type { Client } from "pg";
import type { Sequelize } from "sequelize";
import { hasStoodStill, isConnectionLost } from "../errors/database-errors.ts";
import { applyToEmpty, Applier } from "./apply.ts";
import { kindOf, migrationsIn, type Migration } from "./migration-files.ts";
import { lockMigrations } from "./migration-lock.ts";
import { MigrationProblem } from "./migration-problem.ts";
import { otherVersions } from "./node-versions.ts";

export interface MigrateOptions {
  /** Gets a sentence when a migration waits for a lock. */
  warn?: (message: string) => void;
  /** How long a migration waits for locks before it fails. */
  lockWaitMs?: number;
  /**
   * Also applies contract migrations, if no node of another version uses the database during this
   * time. Otherwise throws MigrationProblem.
   */
  contractAfterMs?: number;
}

/** The names of migrations. */
export interface MigrationResult {
  applied: string[];
  /** Contract migrations that are not applied yet. */
  pending: string[];
}

/** A connection of Sequelize's pool, and the parts of the pool that Sequelize's types omit. */
interface Pool {
  connectionManager: {
    getConnection(options: object): Promise<Client>;
    releaseConnection(connection: Client): void;
    destroyConnection(connection: Client): Promise<void>;
  };
}

const maxTries = 5;
const lockWaitMs = 300_000;

/** The migrations that every service has: event log and idempotency keys. */
const sharedFolder = new URL("../migrations/", import.meta.url);

/**
 * Applies pending migrations: first the shared ones, then those of the service's folder, each in the
 * order of their names, under an advisory lock. So any number of nodes can start at the same time.
 * An empty database gets all of them in one transaction. Later, each runs in a transaction of its
 * own, and contract migrations wait for `contractAfterMs`.
 */
export async function migrate(
  sequelize: Sequelize,
  folder: URL,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await withConnection(sequelize, (connection) =>
        migrateOn(connection, sequelize, folder, options),
      );
    } catch (error) {
      if (tries === maxTries || !(hasStoodStill(error) || isConnectionLost(error))) throw error;
    }
  }
}

/** Runs work on a connection that waits for locks and statements without a limit. */
async function withConnection<Result>(
  sequelize: Sequelize,
  work: (connection: Client) => Promise<Result>,
): Promise<Result> {
  const { connectionManager } = sequelize as unknown as Pool;
  const connection = await connectionManager.getConnection({ type: "write" });
  try {
    // A starting process loads its files, which on a busy machine interrupts transactions for seconds.
    await connection.query(
      `SET statement_timeout = 0; SET lock_timeout = 0;
       SET idle_in_transaction_session_timeout = '1min'`,
    );
    const result = await work(connection);
    await connection.query(
      `SELECT pg_advisory_unlock_all();
       RESET statement_timeout; RESET lock_timeout; RESET idle_in_transaction_session_timeout`,
    );
    connectionManager.releaseConnection(connection);
    return result;
  } catch (error) {
    // Its end rolls back the transaction and releases the advisory lock.
    await connectionManager.destroyConnection(connection);
    throw error;
  }
}

async function migrateOn(
  connection: Client,
  sequelize: Sequelize,
  folder: URL,
  options: MigrateOptions,
): Promise<MigrationResult> {
  const { warn = () => undefined, contractAfterMs } = options;
  await lockMigrations(connection, warn);
  const migrations = [...(await migrationsIn(sharedFolder)), ...(await migrationsIn(folder))];
  const done = await appliedNames(connection);
  if (done.size === 0) {
    await assertEncoding(connection);
    await applyToEmpty(connection, migrations);
    return { applied: namesOf(migrations), pending: [] };
  }
  await assertOwn(done, folder);
  assertFits(done, migrations);
  const pending = migrations.filter(({ name }) => !done.has(name));
  const contracts = pending.filter(({ kind }) => kind === "contract");
  const expands = pending.filter(({ kind }) => kind !== "contract");
  const maxWaitMs = options.lockWaitMs ?? lockWaitMs;
  const applier = await Applier.create(connection, sequelize, { warn, maxWaitMs });
  await applier.apply(expands);
  if (contractAfterMs === undefined || contracts.length === 0) {
    return { applied: namesOf(expands), pending: namesOf(contracts) };
  }
  const others = await otherVersions(connection, contractAfterMs);
  if (others !== undefined) {
    throw new MigrationProblem(
      `${namesOf(contracts).join(", ")} may run only when all nodes have this version, and was not applied. Connected: ${others}. Upgrade or stop them, then run the command again.`,
    );
  }
  await applier.apply(contracts);
  return { applied: namesOf([...expands, ...contracts]), pending: [] };
}

/**
 * Rejects an encoding that lacks characters. SQL_ASCII, which some images of PostgreSQL have without a
 * locale, stores all, but measures texts in bytes.
 */
async function assertEncoding(connection: Client): Promise<void> {
  const { rows } = await connection.query<{ encoding: string }>(
    "SELECT current_setting('server_encoding') AS encoding",
  );
  const encoding = rows[0]?.encoding;
  if (encoding === "UTF8" || encoding === "SQL_ASCII") return;
  throw new MigrationProblem(
    `its encoding is ${encoding}. Create it with TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'.`,
  );
}

function namesOf(migrations: readonly Migration[]): string[] {
  return migrations.map(({ name }) => name);
}

/** Returns the names of the applied migrations; none for an empty database. */
async function appliedNames(connection: Client): Promise<Set<string>> {
  const { rows: tables } = await connection.query<{ exists: boolean }>(
    "SELECT to_regclass('migrations') IS NOT NULL AS exists",
  );
  if (tables[0]?.exists !== true) return new Set();
  const { rows } = await connection.query<{ name: string }>("SELECT name FROM migrations");
  return new Set(rows.map(({ name }) => name));
}

/**
 * Rejects a database of another service: one without the first migration of this service. The names
 * of later migrations can be the same in several services.
 */
async function assertOwn(done: ReadonlySet<string>, folder: URL): Promise<void> {
  const [first] = namesOf(await migrationsIn(folder));
  if (first === undefined || done.has(first)) return;
  const shared = new Set(namesOf(await migrationsIn(sharedFolder)));
  const [other] = [...done].filter((name) => !shared.has(name)).sort();
  if (other === undefined) return;
  throw new MigrationProblem(
    `it is the database of another service: it has the migration ${other}, and not ${first}. The URLs of two services may be interchanged. Nothing was changed.`,
  );
}

/** Rejects a database from which a newer version has removed what this version may need. */
function assertFits(done: ReadonlySet<string>, migrations: readonly Migration[]): void {
  const known = new Set(namesOf(migrations));
  const newer = [...done].filter((name) => !known.has(name) && kindOf(name) === "contract");
  if (newer.length === 0) return;
  throw new MigrationProblem(
    `a newer version has removed what this version may need (${newer.sort().join(", ")}). Use the newer version, or restore a backup of before.`,
  );
}
