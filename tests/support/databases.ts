import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { domainServices, type DomainService } from "../../services/registry.ts";
import { postgresUrl } from "../../embedded/postgres-databases.ts";

/** The databases of one test, cloned from the migrated templates. */
export interface TestDatabases {
  urls: Record<DomainService, string>;
  /** Runs SQL directly, without the services. */
  query<Row extends object>(service: DomainService, sql: string, bind?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** Clones the template databases. With `empty` the databases have no tables. */
export async function cloneDatabases({ empty = false } = {}): Promise<TestDatabases> {
  const suffix = randomBytes(6).toString("hex");
  const nameOf = (service: DomainService) => `${service}_${suffix}`;
  for (const service of domainServices) {
    const template = empty ? "template0" : service;
    await administer(`CREATE DATABASE ${nameOf(service)} TEMPLATE ${template} STRATEGY FILE_COPY`);
  }
  return {
    urls: Object.fromEntries(
      domainServices.map((service) => [service, testUrl(nameOf(service))]),
    ) as Record<DomainService, string>,
    query: (service, sql, bind = []) => run(nameOf(service), sql, bind),
    async drop() {
      for (const service of domainServices) {
        await administer(`DROP DATABASE IF EXISTS ${nameOf(service)} WITH (FORCE)`);
      }
    },
  };
}

function testUrl(database: string): string {
  const dataDir = process.env.TEST_DATA_DIR;
  if (dataDir === undefined)
    throw new Error("TEST_DATA_DIR is not set: run the tests with tests/run.ts");
  return postgresUrl(join(dataDir, "postgres"), database);
}

async function administer(sql: string): Promise<void> {
  await run("postgres", sql, []);
}

async function run<Row extends object>(
  database: string,
  sql: string,
  bind: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: testUrl(database) });
  await client.connect();
  try {
    return (await client.query<Row>(sql, bind)).rows;
  } finally {
    await client.end();
  }
}
