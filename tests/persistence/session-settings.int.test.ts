import { afterAll, beforeAll, expect, test } from "@jest/globals";
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
