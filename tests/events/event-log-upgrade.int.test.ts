import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { migrate } from "../../database/migrator/migrate.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

const migrationsFolder = join(import.meta.dirname, "..", "..", "database", "migrations");
let databases: TestDatabases;
/** An empty folder, as the migrations of the service. */
let noMigrations: string;

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true });
  noMigrations = await mkdtemp(join(tmpdir(), "no-migrations-"));
});
afterAll(async () => {
  await databases.drop();
  await rm(noMigrations, { recursive: true });
});

test("the migration keeps the positions of a log, and numbers the entries without one", async () => {
  const query = <Row extends object>(sql: string) => databases.query<Row>("orders", sql);
  await query(
    "CREATE TABLE migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
  );
  for (const name of ["event-log-0001.sql", "event-log-0002.sql"]) {
    await query(await readFile(join(migrationsFolder, name), "utf8"));
    await query(`INSERT INTO migrations (name) VALUES ('${name}')`);
  }
  await query(
    `INSERT INTO event_log (id, type, version, data, occurred_at, position)
     SELECT gen_random_uuid(), 'n' || n, 1, '{}', now(), CASE WHEN n <= 3 THEN n END
     FROM generate_series(1, 5) n;
     UPDATE event_log_head SET position = 3`,
  );
  const sequelize = openSequelize(databases.urls.orders, 1);
  try {
    const { applied } = await migrate(sequelize, pathToFileURL(`${noMigrations}/`));
    expect(applied).toContain("event-log-0003.sql");
  } finally {
    await sequelize.close();
  }
  // A later migration of a service adds an entry.
  await query(
    `INSERT INTO event_log (id, type, version, data, occurred_at)
     VALUES (gen_random_uuid(), 'n6', 1, '{}', now())`,
  );
  const log = await query("SELECT type, position::int FROM event_log ORDER BY position");
  expect(log).toEqual([1, 2, 3, 4, 5, 6].map((n) => ({ type: `n${n}`, position: n })));
  expect(await query("SELECT position::int FROM event_log_head")).toEqual([{ position: 6 }]);
});
