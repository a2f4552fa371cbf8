import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { QueryTypes, type Sequelize, type Transaction } from "sequelize";
import { Umzug, type UmzugStorage } from "umzug";

/** The same number on every node, so that only one of them migrates a database at a time. */
const migrationLock = 7_240_001;

/**
 * Applies the SQL files of a folder that were not applied yet, in the order of their names. All
 * of them run in one transaction behind an advisory lock: any number of nodes may start at once,
 * and a migration that fails leaves nothing behind. Returns the names of those applied now.
 */
export async function migrate(sequelize: Sequelize, folder: URL): Promise<string[]> {
  return sequelize.transaction(async (transaction) => {
    await sequelize.query("SET LOCAL statement_timeout = 0", { transaction });
    await sequelize.query(`SELECT pg_advisory_xact_lock(${migrationLock})`, {
      transaction,
    });
    await sequelize.query(
      "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
      { transaction },
    );
    const umzug = new Umzug({
      migrations: {
        glob: ["*.sql", { cwd: fileURLToPath(folder) }],
        resolve: ({ name, path }) => ({
          name,
          up: async () => {
            if (path === undefined) throw new Error(`migration ${name} has no file`);
            await sequelize.query(await readFile(path, "utf8"), { transaction });
          },
        }),
      },
      storage: storageIn(sequelize, transaction),
      logger: undefined,
    });
    return (await umzug.up()).map(({ name }) => name);
  });
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
