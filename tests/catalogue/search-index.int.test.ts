import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { searchIndexMerges } from "../../services/products/catalogue/merge-search-index.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
  await shop.databases.query("products", "CREATE EXTENSION pgstattuple");
  // Autovacuum merges entries, too.
  const sql = "ALTER TABLE products SET (autovacuum_enabled = false)";
  await shop.databases.query("products", sql);
});
afterAll(() => shop.stop());

async function pendingRows(): Promise<number> {
  const [row] = await shop.databases.query<{ rows: string }>(
    "products",
    "SELECT pending_tuples AS rows FROM pgstatginindex('products_by_words')",
  );
  return Number(row?.rows);
}

async function createMany(number: number, name: string): Promise<void> {
  const products = Array.from({ length: number }, () => ({
    name,
    description: "",
    price: 1,
    stock: 0,
  }));
  await shop.call("products.createMany", { products });
}

const count = async (search: string) =>
  (await shop.call<{ total: number }>("products.count", { search })).total;

test("products are found before and after their entries are merged into the index", async () => {
  await createMany(1_000, "Pending kettle");
  expect(await count("kettle")).toBe(1_000);
  await createMany(1_000, "Merged kettle");
  expect(await count("kettle")).toBe(2_000);
  await eventually("no entry is pending", async () => (await pendingRows()) === 0);
  expect(await count("kettle")).toBe(2_000);
});

test("bulk actions merge the entries of 2,000 products, and failed ones do not count", async () => {
  const statements: string[] = [];
  const query = async (sql: string) => {
    statements.push(sql);
    return [];
  };
  const index = searchIndexMerges({ query });
  const change = (succeeded: number) =>
    index.afterChanges(Promise.resolve({ succeeded, failed: 1_000, results: [] }));
  await change(1_000);
  await change(999);
  expect(statements).toEqual([]);
  await change(1);
  await change(1_999);
  expect(statements).toEqual(["SELECT gin_clean_pending_list('products_by_words')"]);
});
