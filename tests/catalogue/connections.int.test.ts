import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConnectionReader, documentOf, type ConnectionName } from "../support/http/connections.ts";
import { clientErrorOf } from "../support/http/error-expectations.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

interface Product {
  id: string;
  name: string;
  price: number;
  stock: number;
}

interface Order {
  id: string;
  user_id: string;
}

interface User {
  id: string;
  username: string;
}

let shop: TestShop;
let admin: { id: string; token: string };
let products: ConnectionReader<Product>;
let orders: ConnectionReader<Order>;
let users: ConnectionReader<User>;

/** Creates products that share few prices and names, so that ids decide their order. */
async function createProducts(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const product = { name: ["mug", "Mug", "Ärmel", "zebra"][n % 4] ?? "", price: n % 5, stock: n };
    await shop.call("products.create", { ...product, description: "" });
  }
}

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  await createProducts(23);
  const mug = await putOnSale(shop, 1_000);
  const buyers = await Promise.all(["Ann", "bob", "ann2"].map((name) => shop.signIn(name)));
  for (let n = 0; n < 12; n += 1) await placeOrder(shop, buyers[n % 3]?.token ?? "", [mug, 1]);
  products = new ConnectionReader(shop, "productsConnection");
  orders = new ConnectionReader(shop, "ordersConnection", admin.token);
  users = new ConnectionReader(shop, "usersConnection", admin.token);
});
afterAll(() => shop.stop());

type Compare<Row> = (a: Row, b: Row) => number;

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : Number(a > b);
}
const byId: Compare<{ id: string }> = (a, b) => compare(a.id, b.id);
const byPrice: Compare<Product> = (a, b) => compare(a.price, b.price) || byId(a, b);
const byName: Compare<Product> = (a, b) =>
  compare(a.name.toLowerCase(), b.name.toLowerCase()) || byId(a, b);
const byUsername: Compare<User> = (a, b) =>
  compare(a.username.toLowerCase(), b.username.toLowerCase()) || byId(a, b);
const descending =
  <Row>(order: Compare<Row>): Compare<Row> =>
  (a, b) =>
    order(b, a);

async function listAll<Row>(field: string, fields: string): Promise<Row[]> {
  const { data } = await shop.graphql<Record<string, Row[]>>(`{ ${field} { ${fields} } }`, {
    token: admin.token,
  });
  return data?.[field] ?? [];
}

describe("forward and backward pages together contain the sorted list of", () => {
  test.each<[string, Compare<Product>]>([
    ["OLDEST_FIRST", byId],
    ["NEWEST_FIRST", descending(byId)],
    ["PRICE_ASC", byPrice],
    ["PRICE_DESC", descending(byPrice)],
    ["NAME_ASC", byName],
    ["NAME_DESC", descending(byName)],
  ])("products by %s", async (sort, order) => {
    const expected = (await listAll<Product>("products", "id name price stock")).sort(order);
    expect(await products.forwards(5, { sort })).toEqual(expected);
    expect(await products.backwards(5, { sort })).toEqual(expected);
  });

  test.each<[string, Compare<Order>]>([
    ["NEWEST_FIRST", descending(byId)],
    ["OLDEST_FIRST", byId],
  ])("orders by %s", async (sort, order) => {
    const fields = "id user_id price_total status";
    const expected = (await listAll<Order>("orders", fields)).sort(order);
    expect(await orders.forwards(5, { sort })).toEqual(expected);
    expect(await orders.backwards(5, { sort })).toEqual(expected);
  });

  test.each<[string, Compare<User>]>([
    ["OLDEST_FIRST", byId],
    ["NEWEST_FIRST", descending(byId)],
    ["USERNAME_ASC", byUsername],
    ["USERNAME_DESC", descending(byUsername)],
  ])("users by %s", async (sort, order) => {
    const expected = (await listAll<User>("users", "id username email type")).sort(order);
    expect(await users.forwards(2, { sort })).toEqual(expected);
    expect(await users.backwards(2, { sort })).toEqual(expected);
  });
});

test("connections list the oldest products and users and the newest orders first by default", async () => {
  expect(await products.ids({})).toEqual(await products.ids({ sort: "OLDEST_FIRST" }));
  expect(await users.ids({})).toEqual(await users.ids({ sort: "OLDEST_FIRST" }));
  expect(await orders.ids({})).toEqual(await orders.ids({ sort: "NEWEST_FIRST" }));
});

test.each(["NAME_ASC", "PRICE_DESC", "OLDEST_FIRST", "NEWEST_FIRST"])(
  "paging by %s while products are created returns each existing product once",
  async (sort) => {
    const existing = await products.forwards(100, { sort });
    for (const direction of ["forwards", "backwards"] as const) {
      const paged = await products[direction](4, { sort }, () => createProducts(1));
      const ids = paged.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const existingIds = existing.map(({ id }) => id);
      expect(ids.filter((id) => existingIds.includes(id))).toEqual(existingIds);
    }
  },
);

describe("a page", () => {
  test("has 20 rows by default, and reports whether other pages exist", async () => {
    const { edges, nodes, pageInfo } = await products.page({});
    expect(edges.map(({ node }) => node)).toEqual(nodes);
    expect(nodes).toHaveLength(20);
    expect(pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor,
      endCursor: edges[19]?.cursor,
    });
  });

  test("after a cursor has a previous page, and the last page has no next page", async () => {
    const first = await users.page({ first: 3 });
    const second = await users.page({ first: 3, after: first.pageInfo.endCursor });
    expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const back = await users.page({ last: 3, before: second.pageInfo.startCursor });
    expect(back.nodes).toEqual(first.nodes);
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  });

  test("between two cursors has the rows between them", async () => {
    const { edges } = await products.page({ first: 6, sort: "NAME_DESC" });
    const between = { after: edges[0]?.cursor, before: edges[5]?.cursor, sort: "NAME_DESC" };
    const expected = edges.slice(1, 5).map(({ node }) => node.id);
    expect(await products.ids(between)).toEqual(expected);
    expect(await products.ids({ ...between, last: 2 })).toEqual(expected.slice(2));
  });

  test.each(["first", "last"])(
    "with %s: 0 is empty, and reports that other pages exist",
    async (end) => {
      const { edges, nodes, pageInfo } = await products.page({ [end]: 0 });
      expect([edges, nodes]).toEqual([[], []]);
      expect(pageInfo).toEqual({
        hasNextPage: end === "first",
        hasPreviousPage: end === "last",
        startCursor: null,
        endCursor: null,
      });
    },
  );

  test("has cursors that contain only the sort, the id and the sort key", async () => {
    const { edges } = await users.page({ sort: "USERNAME_ASC" });
    for (const { cursor, node } of edges) {
      const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
      expect(parts).toEqual(["users.USERNAME_ASC", node.id, node.username.toLowerCase()]);
    }
  });
});

describe.each<ConnectionName>(["productsConnection", "ordersConnection", "usersConnection"])(
  "%s rejects",
  (field) => {
    test.each([
      ["a negative number", { first: -1 }, ["first"]],
      ["a negative number from the end", { last: -1 }, ["last"]],
      ["more than 100 rows", { first: 101 }, ["first"]],
      ["more than 100 rows from the end", { last: 101 }, ["last"]],
      ["both ends at once", { first: 1, last: 1 }, ["first", "last"]],
      ["a malformed cursor", { after: "rubbish" }, ["after"]],
      ["an empty cursor", { before: "" }, ["before"]],
      ["a cursor of 3,000 characters", { before: "x".repeat(3_000) }, ["before"]],
    ])("%s", async (_title, variables, fields) => {
      const error = await clientErrorOf(shop.url, documentOf(field), variables, admin.token);
      expect(error.code).toBe("BAD_USER_INPUT");
      expect(error.fields?.map((fault) => fault.field)).toEqual(fields);
    });
  },
);

test.each([
  ["of another connection", "productsConnection", "usersConnection", {}, {}],
  ["of another sort", "productsConnection", "productsConnection", {}, { sort: "NAME_ASC" }],
  [
    "of the opposite direction",
    "productsConnection",
    "productsConnection",
    { sort: "PRICE_ASC" },
    { sort: "PRICE_DESC" },
  ],
] as const)("a cursor %s is rejected", async (_title, source, target, sourceOptions, options) => {
  const { pageInfo } = await new ConnectionReader(shop, source, admin.token).page(sourceOptions);
  const variables = { ...options, after: pageInfo.endCursor };
  const error = await clientErrorOf(shop.url, documentOf(target), variables, admin.token);
  const message = expect.stringContaining("of another list, or of another sort");
  expect(error).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: "after", message }] });
});

test("the nodes of ordersConnection have all joined fields of orders", async () => {
  const document = `{ ordersConnection(first: 3) { edges { node {
    quantity user { username } history { status }
    order_products { quantity price name product { name stock } }
  } } } }`;
  const { data } = await shop.graphql<{ ordersConnection: { edges: { node: unknown }[] } }>(
    document,
    { token: admin.token },
  );
  expect(data?.ordersConnection.edges).toHaveLength(3);
  for (const { node } of data?.ordersConnection.edges ?? []) {
    expect(node).toEqual({
      quantity: 1,
      user: { username: expect.any(String) },
      history: [{ status: "PLACED" }],
      order_products: [
        { quantity: 1, price: 5, name: "Mug", product: { name: "Mug", stock: 988 } },
      ],
    });
  }
});

describe("the query cost of a connection", () => {
  const nested = (rows: string) =>
    `{ ordersConnection(${rows}) { edges { node { user { orders { order_products { product { id name price stock } } } } } } } }`;

  test.each(["first: 100", "last: 100"])(
    "exceeds the limit for large pages with nested lists: %s",
    async (rows) => {
      expect((await shop.graphql(nested(rows), { token: admin.token })).code).toBe(
        "QUERY_TOO_COMPLEX",
      );
    },
  );

  test("is within the limit for a small page with nested lists", async () => {
    expect((await shop.graphql(nested("first: 1"), { token: admin.token })).code).toBeUndefined();
  });
});
