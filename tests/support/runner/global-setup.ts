import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { domainServices } from "../../../services/registry.ts";
import { EmbeddedPostgres } from "../../../embedded/postgres.ts";
import { openSequelize } from "../../../database/sequelize.ts";
import { migrate } from "../../../database/migrate.ts";

declare global {
  var testPostgres: EmbeddedPostgres | undefined;
}

/** One PostgreSQL for the whole run, with a migrated template database for each service. */
export default async function globalSetup(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-test-"));
  const postgres = await EmbeddedPostgres.start(dataDir);
  globalThis.testPostgres = postgres;
  // Left to themselves, signals end Jest without its teardown; an exit stops the server, too.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
  process.env.TEST_DATA_DIR = dataDir;
  // What tests write need not survive the machine.
  await postgres.query("postgres", async (client) => {
    await client.query("ALTER SYSTEM SET fsync = off");
    await client.query("SELECT pg_reload_conf()");
  });
  const urls = await postgres.createDatabases();
  for (const name of domainServices) {
    const sequelize = openSequelize(urls[name], 1);
    await migrate(sequelize, new URL(`../../../services/${name}/migrations/`, import.meta.url));
    // A template that somebody is connected to cannot be cloned.
    await sequelize.close();
  }
}
