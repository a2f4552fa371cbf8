import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConnectionReader, documentOf, type ConnectionName } from "../support/http/connections.ts";
import { refusalOf } from "../support/http/error-expectations.ts";
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

/** As many products, few prices and names for many of them, so that ids have to decide. */
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
const down =
  <Row>(order: Compare<Row>): Compare<Row> =>
  (a, b) =>
    order(b, a);

/** The plain list of the same things. */
async function listed<Row>(field: string, fields: string): Promise<Row[]> {
  const { data } = await shop.graphql<Record<string, Row[]>>(`{ ${field} { ${fields} } }`, {
    token: admin.token,
  });
  return data?.[field] ?? [];
}

describe("pages, forwards and backwards, are the plain list in its order:", () => {
  test.each<[string, Compare<Product>]>([
    ["OLDEST_FIRST", byId],
    ["NEWEST_FIRST", down(byId)],
    ["PRICE_ASC", byPrice],
    ["PRICE_DESC", down(byPrice)],
    ["NAME_ASC", byName],
    ["NAME_DESC", down(byName)],
  ])("products by %s", async (sort, order) => {
    const expected = (await listed<Product>("products", "id name price stock")).sort(order);
    expect(await products.forwards(5, { sort })).toEqual(expected);
    expect(await products.backwards(5, { sort })).toEqual(expected);
  });

  test.each<[string, Compare<Order>]>([
    ["NEWEST_FIRST", down(byId)],
    ["OLDEST_FIRST", byId],
  ])("orders by %s", async (sort, order) => {
    const fields = "id user_id price_total status";
    const expected = (await listed<Order>("orders", fields)).sort(order);
    expect(await orders.forwards(5, { sort })).toEqual(expected);
    expect(await orders.backwards(5, { sort })).toEqual(expected);
  });

  test.each<[string, Compare<User>]>([
    ["OLDEST_FIRST", byId],
    ["NEWEST_FIRST", down(byId)],
    ["USERNAME_ASC", byUsername],
    ["USERNAME_DESC", down(byUsername)],
  ])("users by %s", async (sort, order) => {
    const expected = (await listed<User>("users", "id username email type")).sort(order);
    expect(await users.forwards(2, { sort })).toEqual(expected);
    expect(await users.backwards(2, { sort })).toEqual(expected);
  });

  test("and by default the oldest products and users, and the newest orders, come first", async () => {
    expect(await products.ids({})).toEqual(await products.ids({ sort: "OLDEST_FIRST" }));
    expect(await users.ids({})).toEqual(await users.ids({ sort: "OLDEST_FIRST" }));
    expect(await orders.ids({})).toEqual(await orders.ids({ sort: "NEWEST_FIRST" }));
  });
});

test.each(["NAME_ASC", "PRICE_DESC", "OLDEST_FIRST", "NEWEST_FIRST"])(
  "whoever pages by %s while products are made sees each that was there once",
  async (sort) => {
    const there = await products.forwards(100, { sort });
    for (const direction of ["forwards", "backwards"] as const) {
      const seen = await products[direction](4, { sort }, () => createProducts(1));
      const ids = seen.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const before = new Set(there.map(({ id }) => id));
      expect(ids.filter((id) => before.has(id))).toEqual(there.map(({ id }) => id));
    }
  },
);

describe("a page", () => {
  test("has 20 rows where nothing is said, and says what is on its sides", async () => {
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

  test("behind a cursor has one before it, and the last one has none behind it", async () => {
    const first = await users.page({ first: 3 });
    const second = await users.page({ first: 3, after: first.pageInfo.endCursor });
    expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const back = await users.page({ last: 3, before: second.pageInfo.startCursor });
    expect(back.nodes).toEqual(first.nodes);
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  });

  test("between two cursors has what lies between them", async () => {
    const { edges } = await products.page({ first: 6, sort: "NAME_DESC" });
    const between = { after: edges[0]?.cursor, before: edges[5]?.cursor, sort: "NAME_DESC" };
    const expected = edges.slice(1, 5).map(({ node }) => node.id);
    expect(await products.ids(between)).toEqual(expected);
    expect(await products.ids({ ...between, last: 2 })).toEqual(expected.slice(2));
  });

  test.each(["first", "last"])("of no rows has none, and knows of others: %s: 0", async (end) => {
    const { edges, nodes, pageInfo } = await products.page({ [end]: 0 });
    expect([edges, nodes]).toEqual([[], []]);
    expect(pageInfo).toEqual({
      hasNextPage: end === "first",
      hasPreviousPage: end === "last",
      startCursor: null,
      endCursor: null,
    });
  });

  test("holds nothing in its cursors that it does not show", async () => {
    const { edges } = await users.page({ sort: "USERNAME_ASC" });
    for (const { cursor, node } of edges) {
      const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
      expect(parts).toEqual(["users.USERNAME_ASC", node.id, node.username.toLowerCase()]);
    }
  });
});

describe.each<ConnectionName>(["productsConnection", "ordersConnection", "usersConnection"])(
  "%s refuses",
  (field) => {
    test.each([
      ["a negative number", { first: -1 }, ["first"]],
      ["a negative number from the end", { last: -1 }, ["last"]],
      ["more than 100 rows", { first: 101 }, ["first"]],
      ["more than 100 rows from the end", { last: 101 }, ["last"]],
      ["both ends at once", { first: 1, last: 1 }, ["first", "last"]],
      ["a cursor that is none", { after: "rubbish" }, ["after"]],
      ["a cursor that is empty", { before: "" }, ["before"]],
      ["a cursor of 3,000 characters", { before: "x".repeat(3_000) }, ["before"]],
    ])("%s", async (_what, variables, fields) => {
      const refusal = await refusalOf(shop.url, documentOf(field), variables, admin.token);
      expect(refusal.code).toBe("BAD_USER_INPUT");
      expect(refusal.fields?.map((fault) => fault.field)).toEqual(fields);
    });
  },
);

test.each([
  ["of another connection", "productsConnection", "usersConnection", {}, {}],
  ["of another sort", "productsConnection", "productsConnection", {}, { sort: "NAME_ASC" }],
  [
    "of the other direction",
    "productsConnection",
    "productsConnection",
    { sort: "PRICE_ASC" },
    { sort: "PRICE_DESC" },
  ],
] as const)("a cursor %s is refused", async (_what, of, to, given, asked) => {
  const { pageInfo } = await new ConnectionReader(shop, of, admin.token).page(given);
  const variables = { ...asked, after: pageInfo.endCursor };
  const refusal = await refusalOf(shop.url, documentOf(to), variables, admin.token);
  const message = expect.stringContaining("of another list, or of another sort");
  expect(refusal).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: "after", message }] });
});

test("the nodes of orders have all that orders have", async () => {
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

describe("what a connection costs", () => {
  const nested = (rows: string) =>
    `{ ordersConnection(${rows}) { edges { node { user { orders { order_products { product { id name price stock } } } } } } } }`;

  test.each(["first: 100", "last: 100"])(
    "is refused for large pages of lists: %s",
    async (rows) => {
      expect((await shop.graphql(nested(rows), { token: admin.token })).code).toBe(
        "QUERY_TOO_COMPLEX",
      );
    },
  );

  test("is not for small ones", async () => {
    expect((await shop.graphql(nested("first: 1"), { token: admin.token })).code).toBeUndefined();
  });
});
