import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import type { Sequelize } from "sequelize";
import { migrate } from "../../database/migrator/migrate.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

const repository = new URL("../../", import.meta.url);
const migrations = new URL("services/products/migrations/", repository);
/** The first migration that changes the words of the search. */
const firstNew = "0034";

let databases: TestDatabases;
let sequelize: Sequelize;
let folder: string;
/** A connection of a node of the previous version. */
let node: pg.Client;

/** A database with all migrations before the new ones. */
beforeEach(async () => {
  databases = await cloneDatabases({ empty: true });
  sequelize = openSequelize(databases.urls.products, 3);
  folder = await mkdtemp(join(tmpdir(), "migrations-"));
  const before = join(folder, "services/products/migrations/");
  await cp(migrations, before, { recursive: true });
  // Some migrations include these files.
  await cp(new URL("database/", repository), join(folder, "database"), { recursive: true });
  for (const name of await readdir(before)) {
    if (name >= firstNew) await rm(join(before, name));
  }
  await migrate(sequelize, pathToFileURL(before));
  node = new pg.Client({ connectionString: databases.urls.products });
  await node.connect();
});
afterEach(async () => {
  await node.end();
  await sequelize.close();
  await rm(folder, { recursive: true });
  await databases.drop();
});

/** Searches by a prepared statement, as nodes of the previous version do. */
async function namesFound(search: string): Promise<string[]> {
  const { rows } = await node.query<{ name: string }>({
    name: "search",
    text: `SELECT name FROM products WHERE archived_at IS NULL
      AND words_of_product(name, description) @@ (SELECT search_of_words($1::text)) ORDER BY name`,
    values: [search],
  });
  return rows.map(({ name }) => name);
}

test("a running node of the previous version finds products by their new words, in the index", async () => {
  await node.query(`INSERT INTO products (id, name, description, price, stock)
    SELECT gen_random_uuid(), name, '', 1, 1
    FROM unnest(ARRAY['Caf\u00e9 cup', 'T-shirt', 'Gie\u00dfkanne', 'Plain mug']) AS old (name)`);
  // Six executions, so that PostgreSQL can use a plan that it keeps.
  for (let run = 0; run < 6; run += 1) {
    expect(await namesFound("caf\u00e9")).toEqual(["Caf\u00e9 cup"]);
  }
  expect(await namesFound("cafe")).toEqual([]);
  const versions = "SELECT id, price, version, xmin FROM products ORDER BY id";
  const before = await node.query(versions);

  await migrate(sequelize, migrations);

  expect(await namesFound("caf\u00e9")).toEqual(["Caf\u00e9 cup"]);
  expect(await namesFound("cafe")).toEqual(["Caf\u00e9 cup"]);
  expect(await namesFound("tshirt")).toEqual(["T-shirt"]);
  // Forces the index of the search: on so few rows the planner prefers another one.
  await node.query(`SET enable_seqscan = off; SET enable_indexscan = off;
    DROP INDEX products_catalogue, products_by_price, products_by_name, products_by_stock,
      products_by_stock_and_price, products_by_stock_and_name`);
  expect(await namesFound("giesskanne")).toEqual(["Gie\u00dfkanne"]);
  expect(await namesFound("mug")).toEqual(["Plain mug"]);
  const plan = await node.query<{ "QUERY PLAN": string }>("EXPLAIN EXECUTE search('cafe')");
  expect(plan.rows.map((row) => row["QUERY PLAN"]).join("\n")).toContain("products_by_words");
  // The statement of these nodes that merges the entries of the index.
  await node.query("SELECT gin_clean_pending_list('products_by_words')");
  expect((await node.query(versions)).rows).toEqual(before.rows);
});
