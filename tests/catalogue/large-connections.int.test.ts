import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConnectionReader, type PageArguments } from "../support/http/connections.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** More rows than are ever sorted or counted at once, so that pages use the other query plans. */
const rows = 12_000;

let shop: TestShop;
let products: ConnectionReader<{ id: string }>;
let users: ConnectionReader<{ id: string }>;
let token: string;

beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0" });
  ({ token } = await shop.signIn("admin", 1));
  products = new ConnectionReader(shop, "productsConnection");
  users = new ConnectionReader(shop, "usersConnection", token);
  // Every product is a "thing". The second half is a "late thing", and comes last in every order.
  await shop.databases.query(
    "products",
    `INSERT INTO products (id, name, description, price, stock)
     SELECT gen_random_uuid(), 'n' || n, 'thing', 1, 1 FROM generate_series(1, $1) n`,
    [rows],
  );
  await shop.databases.query(
    "products",
    `UPDATE products p SET description = 'late thing', name = 'z' || name, price = 5 + price % 2
     FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM products) placed
     WHERE placed.id = p.id AND placed.place > $1 / 2`,
    [rows],
  );
  await shop.databases.query("products", "ANALYZE products");
  await shop.databases.query(
    "users",
    `INSERT INTO users (id, email, email_key, username, password_hash, type)
     SELECT gen_random_uuid(), n || '@example.com', n || '@example.com',
            CASE WHEN n > $1 / 2 THEN 'late' ELSE 'early' END || n, '$argon2id$', n % 2
     FROM generate_series(1, $1::integer) n`,
    [rows],
  );
});
afterAll(() => shop.stop());

const orderOf: Record<string, string> = {
  OLDEST_FIRST: "id",
  NEWEST_FIRST: "id DESC",
  NAME_ASC: 'lower(name) COLLATE "C", id',
  NAME_DESC: 'lower(name) COLLATE "C" DESC, id DESC',
  PRICE_ASC: "price, id",
  PRICE_DESC: "price DESC, id DESC",
  USERNAME_ASC: 'lower(username) COLLATE "C", id',
  USERNAME_DESC: 'lower(username) COLLATE "C" DESC, id DESC',
};

/** Returns the ids that a plain query finds. */
async function idsIn(service: "products" | "users", where: string, sort: string) {
  const order = orderOf[sort] ?? "";
  const sql = `SELECT id FROM ${service} WHERE ${where} ORDER BY ${order}`;
  const rows = await shop.databases.query<{ id: string }>(service, sql);
  return rows.map(({ id }) => id);
}

/** Checks the first two and the last two pages. */
async function expectPages(
  reader: ConnectionReader<{ id: string }>,
  options: PageArguments,
  expected: string[],
): Promise<void> {
  const first = await reader.page({ ...options, first: 30 });
  expect(first.nodes.map(({ id }) => id)).toEqual(expected.slice(0, 30));
  const second = { ...options, first: 30, after: first.pageInfo.endCursor };
  expect(await reader.ids(second)).toEqual(expected.slice(30, 60));
  const last = await reader.page({ ...options, last: 30 });
  expect(last.nodes.map(({ id }) => id)).toEqual(expected.slice(-30));
  const previous = { ...options, last: 30, before: last.pageInfo.startCursor };
  expect(await reader.ids(previous)).toEqual(expected.slice(-60, -30));
}

describe.each(["OLDEST_FIRST", "NEWEST_FIRST", "NAME_ASC", "NAME_DESC", "PRICE_ASC", "PRICE_DESC"])(
  "pages of 12,000 products by %s contain the right rows",
  (sort) => {
    test.each([
      ["for a word that all products have", { search: "thing" }, "true"],
      ["for a word that only the last half has", { search: "late" }, "price > 2"],
      ["for a price that many products have", { filter: { price_min: 5 } }, "price > 2"],
      ["for a price and a word", { search: "thi", filter: { price_max: 4 } }, "price = 1"],
      ["for products in stock", { filter: { in_stock: true } }, "true"],
    ])("%s", async (_title, options, where) => {
      await expectPages(products, { ...options, sort }, await idsIn("products", where, sort));
    });
  },
);

describe.each(["OLDEST_FIRST", "USERNAME_ASC", "USERNAME_DESC"])(
  "pages of 12,000 users by %s contain the right rows",
  (sort) => {
    test.each([
      ["for a prefix that many usernames have", { search: "late" }, "username LIKE 'late%'"],
      ["for a type that many users have", { filter: { type: 1 } }, "type = 1"],
      [
        "for a type and a prefix",
        { search: "la", filter: { type: 1 } },
        "type = 1 AND username LIKE 'late%'",
      ],
    ])("%s", async (_title, options, where) => {
      await expectPages(users, { ...options, sort }, await idsIn("users", where, sort));
    });
  },
);

test.each([
  ["productsConnection", ""],
  ["productsConnection", '(search: "thing")'],
  ["usersConnection", ""],
])("the total count of %s%s stops at 10,000 and is marked as inexact", async (field, args) => {
  const document = `{ ${field}${args} { totalCount totalCountIsExact } }`;
  const { data } = await shop.graphql(document, { token });
  expect(data?.[field]).toEqual({ totalCount: 10_000, totalCountIsExact: false });
});

test("a connection calls its count action only if totalCount is selected, and only once", async () => {
  const counts = () => {
    const metric = shop.broker.metrics.getMetric("moleculer.request.total");
    const series = metric?.snapshot() as unknown as { labels: { action: string }; value: number }[];
    return series
      .filter(({ labels }) => labels.action === "products.count")
      .reduce((sum, { value }) => sum + value, 0);
  };
  const before = counts();
  await shop.graphql("{ productsConnection { nodes { id } pageInfo { hasNextPage } } }");
  expect(counts()).toBe(before);
  await shop.graphql("{ productsConnection { totalCount again: totalCount totalCountIsExact } }");
  expect(counts()).toBe(before + 1);
});
