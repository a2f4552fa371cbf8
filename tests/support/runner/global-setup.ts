import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endingSignals } from "../../../commands/process/program.ts";
import { domainServices } from "../../../services/registry.ts";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import { openSequelize } from "../../../database/sequelize.ts";
import { migrate } from "../../../database/migrator/migrate.ts";

declare global {
  var testPostgres: EmbeddedPostgres | undefined;
}

/** Starts one PostgreSQL for the run, with a migrated template database per service. */
export default async function globalSetup(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-test-"));
  // Three test files run at a time, and a file may have several shops of four pools.
  const postgres = await EmbeddedPostgres.start(dataDir, { maxConnections: 450 });
  globalThis.testPostgres = postgres;
  // The default handler of a signal would end Jest without its teardown; an exit stops PostgreSQL.
  for (const signal of endingSignals) process.once(signal, () => process.exit(1));
  process.env.TEST_DATA_DIR = dataDir;
  // Test data need not survive a crash of the machine.
  await postgres.query("postgres", async (client) => {
    await client.query("ALTER SYSTEM SET fsync = off");
    // Each clone of a database is a checkpoint, after which each page is written to the WAL in full.
    await client.query("ALTER SYSTEM SET full_page_writes = off");
    await client.query("SELECT pg_reload_conf()");
  });
  const urls = await postgres.createDatabases();
  for (const name of domainServices) {
    const sequelize = openSequelize(urls[name], 1);
    await migrate(sequelize, new URL(`../../../services/${name}/migrations/`, import.meta.url));
    // PostgreSQL cannot clone a template with open connections.
    await sequelize.close();
  }
}
