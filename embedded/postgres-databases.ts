import pg from "pg";
import { domainServices } from "../services/registry.ts";
import type { Platform } from "./platform/interface.ts";
import { platform as thisPlatform } from "./platform/platform.ts";
import { superuser } from "./postgres-program.ts";

/**
 * Returns the URL of a database whose server has its socket in this folder. Port and TLS are in it, because
 * clients of PostgreSQL otherwise take them from PGPORT and PGSSLMODE.
 */
export function postgresUrl(
  folder: string,
  database: string,
  platform: Platform = thisPlatform,
): string {
  const host = encodeURIComponent(platform.shortPathOf(folder));
  return `postgres://${superuser}@localhost:5432/${database}?host=${host}&sslmode=disable`;
}

/** Runs short work on a new connection. */
export async function queryDatabase<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  // A broken connection fails the work. Without this listener it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Creates missing databases of the services. */
export async function createDatabases(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>("SELECT datname AS name FROM pg_database");
  const existing = new Set(rows.map(({ name }) => name));
  for (const name of domainServices) {
    if (!existing.has(name)) await client.query(`CREATE DATABASE ${name}`);
  }
}
