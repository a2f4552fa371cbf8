import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { applyToEmpty } from "../../database/migrator/apply.ts";
import { migrate } from "../../database/migrator/migrate.ts";
import { migrationsIn } from "../../database/migrator/migration-files.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { domainServices, type DomainService } from "../../services/registry.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

const folderOf = (service: DomainService) =>
  new URL(`../../services/${service}/migrations/`, import.meta.url);

let databases: TestDatabases;

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true, isAscii: true });
});
afterAll(() => databases.drop());

/** The encoding of a server that was initialized without a locale, as some images of PostgreSQL are. */
test("an empty database that is not UTF-8 is rejected, and gets no tables", async () => {
  const sequelize = openSequelize(databases.urls.users, 3);
  try {
    await expect(migrate(sequelize, folderOf("users"))).rejects.toMatchObject({
      name: "MigrationProblem",
      message: expect.stringMatching(/^its encoding is SQL_ASCII\. Create it with .*'UTF8'/),
    });
  } finally {
    await sequelize.close();
  }
  expect(
    await databases.query("users", "SELECT FROM pg_tables WHERE schemaname = 'public'"),
  ).toEqual([]);
});

/** Earlier versions accepted such a database. */
test.each(domainServices)(
  "the migrations of %s run where the encoding is SQL_ASCII",
  async (service) => {
    const client = new pg.Client({ connectionString: databases.urls[service] });
    await client.connect();
    const shared = new URL("../../database/migrations/", import.meta.url);
    const migrations = [shared, folderOf(service)].map((folder) => migrationsIn(folder));
    await applyToEmpty(client, (await Promise.all(migrations)).flat());
    await client.end();
    const encoding = await databases.query(service, "SHOW server_encoding");
    expect(encoding).toEqual([{ server_encoding: "SQL_ASCII" }]);
    if (service !== "products") return;
    const found = await databases.query(
      service,
      "SELECT words_of_product('T-shirt, f\u00fcr Ann', '') @@ search_of_words('tshirt f\u00fcr') AS found",
    );
    expect(found).toEqual([{ found: true }]);
  },
);
