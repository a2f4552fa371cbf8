import { readdir, readFile } from "node:fs/promises";
import { QueryTypes, type Sequelize, type Transaction } from "sequelize";
import { hasStoodStill, isConnectionLost } from "./database-errors.ts";

/** The advisory lock that lets only one node at a time migrate a database. */
const migrationLock = 7_240_001;
const maxTries = 5;

/** The migrations that every service has: event log and idempotency keys. */
const sharedFolder = new URL("migrations/", import.meta.url);

/**
 * Applies pending SQL files: first the shared ones, then those of the service's folder, each in the
 * order of their names. All run in one transaction under an advisory lock. So any number of nodes
 * can start at the same time, and a failed migration leaves nothing behind. Returns the names of
 * the applied files.
 */
export async function migrate(sequelize: Sequelize, folder: URL): Promise<string[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await migrateOnce(sequelize, folder);
    } catch (error) {
      // A starting process may pause before the transaction has set its longer timeouts.
      if (tries === maxTries || !(hasStoodStill(error) || isConnectionLost(error))) throw error;
    }
  }
}

async function migrateOnce(sequelize: Sequelize, folder: URL): Promise<string[]> {
  return sequelize.transaction(async (transaction) => {
    // Migrations, also those of other nodes before this one, may take long. And a starting process
    // loads its files, which on a busy machine delays the transaction by seconds.
    await sequelize.query(
      `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
       SET LOCAL idle_in_transaction_session_timeout = '1min'`,
      { transaction },
    );
    await sequelize.query("SELECT pg_advisory_xact_lock($1)", {
      transaction,
      bind: [migrationLock],
    });
    await sequelize.query(
      "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
      { transaction },
    );
    const files = [...(await sqlFiles(sharedFolder)), ...(await sqlFiles(folder))];
    const applied = await namesOfApplied(sequelize, transaction);
    const pending = files.filter(({ name }) => !applied.has(name));
    for (const file of pending) await apply(sequelize, transaction, file);
    return pending.map(({ name }) => name);
  });
}

interface SqlFile {
  name: string;
  url: URL;
}

async function namesOfApplied(
  sequelize: Sequelize,
  transaction: Transaction,
): Promise<Set<string>> {
  const rows = await sequelize.query<{ name: string }>("SELECT name FROM migrations", {
    transaction,
    type: QueryTypes.SELECT,
  });
  return new Set(rows.map(({ name }) => name));
}

async function apply(
  sequelize: Sequelize,
  transaction: Transaction,
  { name, url }: SqlFile,
): Promise<void> {
  try {
    await sequelize.query(await sqlOf(url), { transaction });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The migration ${name} failed: ${reason}`, { cause: error });
  }
  await sequelize.query("INSERT INTO migrations (name) VALUES ($1)", { transaction, bind: [name] });
}

async function sqlFiles(folder: URL): Promise<SqlFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return names.map((name) => ({ name, url: new URL(name, folder) }));
}

/**
 * Returns the SQL of a file. A file with `\ir PATH`, as in psql, includes the file at that path, so
 * that several services can share a migration.
 */
async function sqlOf(url: URL): Promise<string> {
  const lines = (await readFile(url, "utf8")).split("\n");
  const texts = lines.map(async (line) => {
    const [, path] = /^\\ir (\S+)$/.exec(line) ?? [];
    return path === undefined ? line : readFile(new URL(path, url), "utf8");
  });
  return (await Promise.all(texts)).join("\n");
}
