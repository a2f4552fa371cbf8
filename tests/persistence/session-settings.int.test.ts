import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openSequelize } from "../../database/sequelize.ts";
import { domainServices } from "../../services/registry.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** Settings that an administrator may have for other programs. */
const settings = {
  datestyle: "'SQL, DMY'",
  intervalstyle: "iso_8601",
  timezone: "'America/St_Johns'",
  default_transaction_isolation: "serializable",
  bytea_output: "escape",
  array_nulls: "off",
  standard_conforming_strings: "off",
  backslash_quote: "off",
  transform_null_equals: "on",
  extra_float_digits: "0",
};

let databases: TestDatabases;
let shop: TestShop;
let token: string;

beforeAll(async () => {
  databases = await cloneDatabases();
  for (const service of domainServices) {
    const name = new URL(databases.urls[service]).pathname.slice(1);
    for (const [setting, value] of Object.entries(settings)) {
      await databases.query(service, `ALTER DATABASE "${name}" SET ${setting} = ${value}`);
    }
  }
  shop = await startTestShop({}, databases);
  ({ token } = await shop.signIn("admin", 1));
});
afterAll(async () => {
  await shop.stop();
  await databases.drop();
});

test("orders have their times, and do not fail beside each other, whatever the databases set", async () => {
  const startMs = Date.now();
  const mug = await putOnSale(shop, 1_000, 7);
  const placed = await Promise.all(
    Array.from({ length: 40 }, () => placeOrder(shop, token, [mug, 1])),
  );
  expect(placed.map(({ order }) => order?.price_total)).toEqual(
    Array.from({ length: 40 }, () => 7),
  );
  const { data } = await shop.graphql<{ product: { stock: number; createdAt: string } }>(
    `{ product(id: "${mug}") { stock createdAt } }`,
    { token },
  );
  expect(data?.product.stock).toBe(960);
  const createdMs = Date.parse(data?.product.createdAt ?? "");
  expect(Math.abs(createdMs - startMs)).toBeLessThan(600_000);
});

test("the options of a database URL set other settings, and not those of the shop", async () => {
  const url = new URL(databases.urls.users);
  const options = "-c search_path=one,two -c work_mem=5MB --datestyle=SQL -c array_nulls=off";
  url.searchParams.set("options", options);
  const sequelize = openSequelize(url.href, 1);
  const names = ["search_path", "work_mem", "array_nulls", "plan_cache_mode", "datestyle"];
  const [rows] = await sequelize.query(
    "SELECT name, current_setting(name) AS value FROM unnest(ARRAY[:names]) AS name",
    { replacements: { names } },
  );
  expect(rows).toEqual([
    { name: "search_path", value: "one,two" },
    { name: "work_mem", value: "5MB" },
    { name: "array_nulls", value: "on" },
    { name: "plan_cache_mode", value: "force_generic_plan" },
    { name: "datestyle", value: expect.stringMatching(/^ISO/) },
  ]);
  await sequelize.close();
});

describe("the search_path of a database URL", () => {
  let empty: TestDatabases;
  let other: TestShop | undefined;

  beforeAll(async () => {
    empty = await cloneDatabases({ empty: true });
  });
  afterAll(async () => {
    await other?.stop();
    await empty.drop();
  });

  test("is the schema of the shop's tables", async () => {
    const urls = { ...empty.urls };
    for (const service of domainServices) {
      await empty.query(service, "CREATE SCHEMA one");
      const url = new URL(urls[service]);
      url.searchParams.set("options", "-c search_path=one");
      urls[service] = url.href;
    }
    other = await startTestShop({}, { ...empty, urls });
    const product = { name: "Mug", description: "", price: 5, stock: 7 };
    const { id } = await other.call<{ id: string }>("products.create", product);
    expect(await empty.query("products", "SELECT id FROM one.products")).toEqual([{ id }]);
    const inPublic = "SELECT FROM pg_tables WHERE schemaname = 'public'";
    expect(await empty.query("products", inPublic)).toEqual([]);
  });
});
