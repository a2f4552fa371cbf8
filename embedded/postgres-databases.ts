import pg from "pg";
import { domainServices, type DomainService } from "../services/registry.ts";
import type { Platform } from "./platform/interface.ts";
import { platform as thisPlatform } from "./platform/platform.ts";
import { superuser } from "./postgres-program.ts";

/** Returns the URL of a database whose server has its socket in this folder. */
export function postgresUrl(
  folder: string,
  database: string,
  platform: Platform = thisPlatform,
): string {
  const host = encodeURIComponent(platform.shortPathOf(folder));
  return `postgres://${superuser}@localhost/${database}?host=${host}`;
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

/** Creates missing databases of the services. Returns the URLs of all of them. */
export async function createDatabases(
  urlOf: (database: string) => string,
): Promise<Record<DomainService, string>> {
  await queryDatabase(urlOf("postgres"), async (client) => {
    for (const name of domainServices) {
      const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
      if (found.rowCount === 0) await client.query(`CREATE DATABASE ${name}`);
    }
  });
  const urls = domainServices.map((name) => [name, urlOf(name)]);
  return Object.fromEntries(urls) as Record<DomainService, string>;
}
