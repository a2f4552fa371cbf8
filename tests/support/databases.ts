import { randomBytes } from "node:crypto";
import { postgresFolder } from "../../embedded/data-dir.ts";
import { domainServices, type DomainService } from "../../services/registry.ts";
import { postgresUrl, queryDatabase } from "../../embedded/postgres-databases.ts";

/** The databases of one test, cloned from the migrated templates. */
export interface TestDatabases {
  urls: Record<DomainService, string>;
  /** Runs SQL directly, without the services. */
  query<Row extends object>(service: DomainService, sql: string, bind?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** Clones the template databases. With `empty` they have no tables, and with `isAscii` no UTF-8. */
export async function cloneDatabases({
  empty = false,
  isAscii = false,
} = {}): Promise<TestDatabases> {
  const suffix = randomBytes(6).toString("hex");
  const nameOf = (service: DomainService) => `${service}_${suffix}`;
  await administer((service) => {
    const template = empty ? "template0" : service;
    const encoding = isAscii ? "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'" : "";
    return `CREATE DATABASE ${nameOf(service)} TEMPLATE ${template} ${encoding} STRATEGY FILE_COPY`;
  });
  return {
    urls: Object.fromEntries(
      domainServices.map((service) => [service, testUrl(nameOf(service))]),
    ) as Record<DomainService, string>,
    query: (service, sql, bind = []) => run(nameOf(service), sql, bind),
    async drop() {
      await administer((service) => `DROP DATABASE IF EXISTS ${nameOf(service)} WITH (FORCE)`);
    },
  };
}

function testUrl(database: string): string {
  const dataDir = process.env.TEST_DATA_DIR;
  if (dataDir === undefined)
    throw new Error("TEST_DATA_DIR is not set: run the tests with tests/run.ts");
  return postgresUrl(postgresFolder(dataDir), database);
}

/** Runs a statement for the database of each service, one after the other. */
async function administer(statementFor: (service: DomainService) => string): Promise<void> {
  await queryDatabase(testUrl("postgres"), async (client) => {
    for (const service of domainServices) await client.query(statementFor(service));
  });
}

async function run<Row extends object>(
  database: string,
  sql: string,
  bind: unknown[],
): Promise<Row[]> {
  return await queryDatabase(testUrl(database), async (client) => {
    return (await client.query<Row>(sql, bind)).rows;
  });
}
