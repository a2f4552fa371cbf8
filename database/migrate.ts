import { readdir, readFile } from "node:fs/promises";
import { QueryTypes, type Sequelize, type Transaction } from "sequelize";
import { Umzug, type UmzugStorage } from "umzug";
import { hasStoodStill, isConnectionLost } from "./database-errors.ts";

/** The same number on every node, so that only one of them migrates a database at a time. */
const migrationLock = 7_240_001;
const maxTries = 5;

/** The tables of the event log, which every service has. */
const sharedFolder = new URL("migrations/", import.meta.url);

/**
 * Applies the SQL files that were not applied yet: the shared ones, then those of a service's
 * folder, each in the order of their names. All of them run in one transaction behind an advisory
 * lock: any number of nodes may start at once, and a migration that fails leaves nothing behind.
 * Returns the names of those applied now.
 */
export async function migrate(sequelize: Sequelize, folder: URL): Promise<string[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await migrateOnce(sequelize, folder);
    } catch (error) {
      // A process that starts may stand still before the transaction has got its longer time.
      if (tries === maxTries || !(hasStoodStill(error) || isConnectionLost(error))) throw error;
    }
  }
}

async function migrateOnce(sequelize: Sequelize, folder: URL): Promise<string[]> {
  return sequelize.transaction(async (transaction) => {
    // However long it takes, and others before it. A process that starts loads its files meanwhile,
    // which on a busy machine keeps it from its transaction for seconds.
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
 * The SQL of a file. One that says `\ir PATH`, as for psql, stands for the file at that path: so a
 * service takes over a migration that some services share.
 */
async function sqlOf(url: URL): Promise<string> {
  const text = await readFile(url, "utf8");
  const [, path] = /^\\ir (\S+)$/m.exec(text) ?? [];
  return path === undefined ? text : readFile(new URL(path, url), "utf8");
}

/** Keeps umzug's list in the transaction of the migrations themselves. */
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
