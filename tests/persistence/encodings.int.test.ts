import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { migrate } from "../../database/migrator/migrate.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { domainServices } from "../../services/registry.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

const repository = new URL("../../", import.meta.url);

let databases: TestDatabases;

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true, isAscii: true });
});
afterAll(() => databases.drop());

/** The encoding of a server that was initialized without a locale, as some images of PostgreSQL are. */
test.each(domainServices)(
  "the migrations of %s run where the encoding is SQL_ASCII",
  async (service) => {
    const sequelize = openSequelize(databases.urls[service], 3);
    try {
      await migrate(sequelize, new URL(`services/${service}/migrations/`, repository));
    } finally {
      await sequelize.close();
    }
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
