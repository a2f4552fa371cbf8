import { readdir, readFile } from "node:fs/promises";
import { QueryTypes, type Sequelize, type Transaction } from "sequelize";
import { Umzug, type UmzugStorage } from "umzug";
import { hasStoodStill, isConnectionLost } from "./errors/database-errors.ts";

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
    const umzug = new Umzug({
      migrations: files.map(({ name, url }) => ({
        name,
        up: async () => {
          await sequelize.query(await sqlOf(url), { transaction });
        },
      })),
      storage: storageIn(sequelize, transaction),
      logger: undefined,
    });
    return (await umzug.up()).map(({ name }) => name);
  });
}

async function sqlFiles(folder: URL): Promise<{ name: string; url: URL }[]> {
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

/** Stores umzug's list of applied files in the transaction of the migrations. */
function storageIn(sequelize: Sequelize, transaction: Transaction): UmzugStorage {
  return {
    async executed() {
      const rows = await sequelize.query<{ name: string }>(
        "SELECT name FROM migrations ORDER BY name",
        {
          transaction,
          type: QueryTypes.SELECT,
        },
      );
      return rows.map(({ name }) => name);
    },
    async logMigration({ name }) {
      await sequelize.query("INSERT INTO migrations (name) VALUES ($1)", {
        transaction,
        bind: [name],
      });
    },
    async unlogMigration({ name }) {
      await sequelize.query("DELETE FROM migrations WHERE name = $1", {
        transaction,
        bind: [name],
      });
    },
  };
}
