import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { Sequelize } from "sequelize";
import { migrate } from "../../database/migrator/migrate.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { domainServices } from "../../services/registry.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

const repository = new URL("../../", import.meta.url);

let databases: TestDatabases;
let sequelize: Sequelize | undefined;
const name = `ascii_${randomBytes(6).toString("hex")}`;

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true });
});
afterEach(async () => {
  await sequelize?.close();
  await databases.query("users", `DROP DATABASE IF EXISTS ${name}`);
});
afterAll(() => databases.drop());

/** The encoding of a server that was initialized without a locale, as some images of PostgreSQL are. */
test.each(domainServices)(
  "the migrations of %s run where the encoding is SQL_ASCII",
  async (service) => {
    await databases.query(
      "users",
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'`,
    );
    const url = new URL(databases.urls.users);
    const [, cloned = ""] = /\/(users_\w+)/.exec(url.pathname) ?? [];
    sequelize = openSequelize(databases.urls.users.replace(cloned, name), 3);
    const folder = new URL(`services/${service}/migrations/`, repository);
    await migrate(sequelize, folder);
    const [encoding] = await sequelize.query("SHOW server_encoding");
    expect(encoding).toEqual({ server_encoding: "SQL_ASCII" });
    if (service !== "products") return;
    const [found] = await sequelize.query(
      "SELECT words_of_product('T-shirt, für Ann', '') @@ search_of_words('tshirt für') AS found",
    );
    expect(found).toEqual([{ found: true }]);
  },
);
