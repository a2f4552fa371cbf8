import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import type { Sequelize } from "sequelize";
import { migrate } from "../../database/migrator/migrate.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

let databases: TestDatabases;
let sequelize: Sequelize;
let folder: string;
let url: URL;
/** A connection of another program. */
let other: pg.Client;

/** A database with two words, and a folder with the migration that has made them. */
beforeEach(async () => {
  databases = await cloneDatabases({ empty: true });
  sequelize = openSequelize(databases.urls.users, 6);
  folder = await mkdtemp(join(tmpdir(), "migrations-"));
  url = pathToFileURL(`${folder}/`);
  other = await connectAs("psql");
  await add(
    "0001-words.sql",
    "CREATE TABLE words (word text); INSERT INTO words VALUES ('a'), ('a');",
  );
  await migrate(sequelize, url);
});
afterEach(async () => {
  await other.end();
  await sequelize.close();
  await rm(folder, { recursive: true });
  await databases.drop();
});

async function add(name: string, sql: string): Promise<void> {
  await writeFile(join(folder, name), sql);
}

async function connectAs(name: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databases.urls.users,
    application_name: name,
  });
  await client.connect();
  return client;
}

const query = (sql: string) => databases.query("users", sql);
const columns = async () =>
  (
    await query(
      "SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'words' ORDER BY 1",
    )
  ).map((row) => (row as { name: string }).name);

test("the database of another service is rejected, and nothing is changed", async () => {
  const letters = await mkdtemp(join(tmpdir(), "migrations-"));
  try {
    await writeFile(join(letters, "0001-letters.sql"), "CREATE TABLE letters (letter text);");
    await writeFile(join(letters, "0002-size.sql"), "CREATE TABLE sizes (size integer);");
    await add("0002-size.sql", "ALTER TABLE words ADD COLUMN size integer;");
    await migrate(sequelize, url);
    const failing = migrate(sequelize, pathToFileURL(`${letters}/`));
    await expect(failing).rejects.toThrow(
      "it has the migration 0001-words.sql, and not 0001-letters.sql.",
    );
    expect(await query("SELECT to_regclass('letters') AS table")).toEqual([{ table: null }]);
  } finally {
    await rm(letters, { recursive: true });
  }
});

test("a migration that waits for a lock says whose lock it is, lets reads pass and runs after it", async () => {
  await add("0002-size.sql", "ALTER TABLE words ADD COLUMN size integer;");
  await other.query("BEGIN; LOCK TABLE words IN ACCESS SHARE MODE");
  const messages: string[] = [];
  const migrating = migrate(sequelize, url, { warn: (message) => messages.push(message) });
  await eventually("the message", () => messages.length > 0);
  expect(messages).toEqual([
    expect.stringMatching(
      /^The migration 0002-size\.sql waits for a lock of PostgreSQL process \d+ \(psql, user \w+, idle in transaction\), and tries again\.$/,
    ),
  ]);
  expect(await query("SELECT word FROM words")).toHaveLength(2);
  await other.query("COMMIT");
  expect(await migrating).toEqual({ applied: ["0002-size.sql"], pending: [] });
  expect(await columns()).toEqual(["size", "word"]);
});

test("a migration that gets no lock fails, names the holder and changes nothing", async () => {
  await add("0002-size.sql", "CREATE TABLE sizes (); ALTER TABLE words ADD COLUMN size integer;");
  await other.query("BEGIN; LOCK TABLE words IN ACCESS SHARE MODE");
  const failing = migrate(sequelize, url, { lockWaitMs: 0 });
  await expect(failing).rejects.toThrow(
    /0002-size\.sql did not get a lock of PostgreSQL process \d+ \(psql/,
  );
  expect(await query("SELECT to_regclass('sizes') AS table")).toEqual([{ table: null }]);
});

test("an index that an interrupted run left invalid is built again", async () => {
  const index = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS words_once ON words (word);";
  await add("0002-words-once.concurrent.sql", `${index}\n-- Not unique; twice\n${index}`);
  await expect(migrate(sequelize, url)).rejects.toThrow("could not create unique index");
  const isValid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'words_once'::regclass";
  expect(await query(isValid)).toEqual([{ indisvalid: false }]);
  await query("DELETE FROM words");
  expect((await migrate(sequelize, url)).applied).toEqual(["0002-words-once.concurrent.sql"]);
  expect(await query(isValid)).toEqual([{ indisvalid: true }]);
});

test("several nodes build an index concurrently once, and none waits for another one's snapshot", async () => {
  await add(
    "0002-words.concurrent.sql",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS words_by_word ON words (word);",
  );
  const warnings: string[] = [];
  // The build waits for this transaction, and the other nodes for the build.
  await other.query("BEGIN; INSERT INTO words VALUES ('b')");
  const nodes = Array.from({ length: 3 }, () =>
    migrate(sequelize, url, { warn: (message) => warnings.push(message) }),
  );
  await eventually("both kinds of waiting", () => new Set(warnings.map(kindOfWarning)).size === 2);
  await other.query("COMMIT");
  const applied = (await Promise.all(nodes)).flatMap((result) => result.applied);
  expect(applied).toEqual(["0002-words.concurrent.sql"]);
});

function kindOfWarning(message: string): string {
  return /migrates the database|waits for a lock/.exec(message)?.[0] ?? message;
}

test("a contract migration waits until no node of another version is connected", async () => {
  await add("0002-drop-words.contract.sql", "DROP TABLE words;");
  await add("0003-sizes.sql", "CREATE TABLE sizes ();");
  expect(await migrate(sequelize, url)).toEqual({
    applied: ["0003-sizes.sql"],
    pending: ["0002-drop-words.contract.sql"],
  });
  for (const [name, shown] of [
    ["shop-cluster 0.9.0", "shop-cluster 0.9.0 (PostgreSQL process"],
    ["", "shop-cluster 1.0.0 or another program without a name (PostgreSQL process"],
  ] as const) {
    const node = await connectAs(name);
    await expect(migrate(sequelize, url, { contractAfterMs: 0 })).rejects.toThrow(shown);
    await node.end();
    await eventually("the end of the connection", async () => {
      const sessions =
        "SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()";
      return (await query(`${sessions} AND application_name = '${name}'`)).length === 0;
    });
  }
  expect(await migrate(sequelize, url, { contractAfterMs: 0 })).toEqual({
    applied: ["0002-drop-words.contract.sql"],
    pending: [],
  });
});

test("an older version starts on newer expand migrations, but not after newer contract migrations", async () => {
  await query(
    "INSERT INTO migrations (name) VALUES ('0009-newer.sql'), ('0010-newer.concurrent.sql')",
  );
  expect(await migrate(sequelize, url)).toEqual({ applied: [], pending: [] });
  await query("INSERT INTO migrations (name) VALUES ('0011-newer.contract.sql')");
  await expect(migrate(sequelize, url)).rejects.toThrow(
    "a newer version has removed what this version may need (0011-newer.contract.sql)",
  );
});
