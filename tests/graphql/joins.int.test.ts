import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { placeOrder, putOnSale, type NamedLine } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };
let buyers: { id: string; token: string }[];
let products: string[];

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  buyers = await Promise.all(["ann", "bob", "cat", "dan"].map((name) => shop.signIn(name)));
  products = await Promise.all(
    Array.from({ length: 10 }, (_, n) => putOnSale(shop, 1_000, 5, `Mug ${n}`)),
  );
  for (const { token } of buyers) await placeOrders(token, 5);
});
afterAll(() => shop.stop());

/** Places orders of three products each, with different products. */
async function placeOrders(token: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const lines = [0, 3, 6].map((step): NamedLine => [products[(n + step) % 10] ?? "", 1 + n]);
    await placeOrder(shop, token, ...lines);
  }
}

/** Returns how often each action has run. */
function callCounts(): Map<string, number> {
  const metric = shop.broker.metrics.getMetric("moleculer.request.total");
  const series = metric?.snapshot() as unknown as { labels: { action: string }; value: number }[];
  const counts = new Map<string, number>();
  for (const { labels, value } of series) {
    counts.set(labels.action, (counts.get(labels.action) ?? 0) + value);
  }
  return counts;
}

/** Sends a document. Returns its data and the number of calls of each action. */
async function countCalls(
  document: string,
  { token } = admin,
): Promise<{ data: Data; calls: object }> {
  const before = callCounts();
  const { data, errors } = await shop.graphql<Data>(document, { token });
  expect(errors).toBeUndefined();
  if (!data) throw new Error("the response has no data");
  const calls = [...callCounts()]
    .map(([action, count]): [string, number] => [action, count - (before.get(action) ?? 0)])
    .filter(([action, count]) => count > 0 && /^(users|products|orders)\./.test(action))
    // The services poll these actions every few seconds.
    .filter(([action]) => !/\.(?:endedSessions|eventsAfter|jwks)$/.test(action));
  return { data, calls: Object.fromEntries(calls) };
}

interface Joined {
  id: string;
  user_id: string;
  user: { id: string; username: string };
  order_products: { product_id: string; name: string; product: { id: string; name: string } }[];
}

interface Data {
  orders: Joined[];
  order: Joined;
  users: { id: string; orders: Joined[] }[];
  products: { id: string }[];
}

/** The calls of the joined fields, however many orders the list has. */
const joinCalls = {
  "orders.lines": 1,
  "users.resolve": 1,
  "products.resolve": 1,
};

const joinedFields = `id user_id user { id username }
  order_products { product_id name product { id name } }`;

function expectJoined(orders: Joined[]): void {
  for (const { user_id, user, order_products } of orders) {
    expect(user.id).toBe(user_id);
    expect(order_products).toHaveLength(3);
    for (const { product_id, name, product } of order_products) {
      expect(product).toEqual({ id: product_id, name });
    }
  }
}

describe("a document that joins", () => {
  test("20 orders with users, lines and products calls each batch action once", async () => {
    const { data, calls } = await countCalls(`{ orders(limit: 50) { ${joinedFields} } }`);
    expect(calls).toEqual({ "orders.list": 1, ...joinCalls });
    expect(data.orders).toHaveLength(20);
    expectJoined(data.orders);
  });

  test("users with orders and the orders with lines calls each batch action once", async () => {
    const { data, calls } = await countCalls(
      "{ users(limit: 5) { id orders { id user_id order_products { product_id } } } }",
    );
    expect(calls).toEqual({ "users.list": 1, "orders.ofUsers": 1, "orders.lines": 1 });
    expect(data.users).toHaveLength(5);
    for (const { id, orders } of data.users) {
      expect(orders).toHaveLength(id === admin.id ? 0 : 5);
      expect(new Set(orders.map(({ user_id }) => user_id))).toEqual(
        new Set(orders.length > 0 ? [id] : []),
      );
      expect(orders.map((order) => order.id)).toEqual(
        orders
          .map((order) => order.id)
          .sort()
          .reverse(),
      );
      for (const { order_products } of orders) expect(order_products).toHaveLength(3);
    }
  });

  test("one user with orders, lines and products calls each batch action once", async () => {
    const { id } = buyers[0] ?? { id: "" };
    const { data, calls } = await countCalls(
      `{ user(id: "${id}") { orders { ${joinedFields} } } }`,
    );
    expect(calls).toEqual({ "users.get": 1, "orders.ofUsers": 1, ...joinCalls });
    expectJoined((data as unknown as { user: { orders: Joined[] } }).user.orders);
  });

  test("the same users in two lists loads the users with at most one call for each list", async () => {
    const { calls } = await countCalls(
      `{ a: orders { user { id } } b: orders(limit: 10) { user { username } } }`,
    );
    expect(calls).toEqual({ "orders.list": 2, "users.resolve": expect.any(Number) });
    expect(
      Number(Object.entries(calls).find(([name]) => name === "users.resolve")?.[1]),
    ).toBeLessThan(3);
  });

  test("one order with its user and products calls each batch action once", async () => {
    const { data: listed } = await countCalls("{ orders(limit: 1) { id } }");
    const { data, calls } = await countCalls(
      `{ order(id: "${listed.orders[0]?.id ?? ""}") { ${joinedFields} } }`,
    );
    expect({ "orders.lines": 1, ...calls }).toEqual({ "orders.get": 1, ...joinCalls });
    expectJoined([data.order]);
  });

  test("more orders than the maximum batch size is loaded in several calls", async () => {
    await placeOrders(buyers[0]?.token ?? "", 25);
    const { data, calls } = await countCalls(`{ orders(limit: 50) { ${joinedFields} } }`);
    expect(calls).toMatchObject({ "orders.lines": 2 });
    expect(data.orders).toHaveLength(45);
    expectJoined(data.orders);
  });

  test("a page of own orders has its lines in the same call, and a larger one in further calls", async () => {
    const [, buyer] = buyers;
    const linesOf = (limit: number) =>
      countCalls(
        `{ orders(limit: ${limit}) { id username order_products { product_id quantity price name } } }`,
        buyer,
      );
    const small = await linesOf(30);
    expect(small.calls).toEqual({ "orders.list": 1 });
    const large = await linesOf(31);
    expect(large.calls).toEqual({ "orders.list": 1, "orders.lines": 1 });
    expect(small.data.orders).toHaveLength(5);
    expect(small.data).toEqual(large.data);
  });

  test("equal pages of one turn are separate for each owner", async () => {
    const list = ({ id }: { id: string }) =>
      shop.broker.call<{ id: string; user_id: string; order_products?: unknown[] }[], object>(
        "orders.list",
        { limit: 3 },
        {
          caller: "api",
          meta: { viewer: { kind: "user", id, type: 0 } },
          headers: { include: ["order_products"] },
        },
      );
    const [ann = admin, bob = admin] = buyers;
    const pages = await Promise.all([list(ann), list(bob), list(ann)]);
    expect(pages.map((orders) => orders.map(({ user_id }) => user_id))).toEqual(
      [ann, bob, ann].map(({ id }) => [id, id, id]),
    );
    expect(pages[2]).toEqual(pages[0]);
    for (const { order_products } of pages.flat()) expect(order_products).toHaveLength(3);
  });

  test("no field of another service makes no further call", async () => {
    const { calls } = await countCalls("{ orders { id } }");
    expect(calls).toEqual({ "orders.list": 1 });
  });
});

describe("a list longer than the maximum of one call", () => {
  /** Returns the ids of the rows that the list must contain, in order. */
  async function sortedIds(service: "users" | "products", sql: string): Promise<string[]> {
    const rows = await shop.databases.query<{ id: string }>(service, sql);
    return rows.map(({ id }) => id);
  }

  test("of products is loaded in several calls, in order, without gaps or duplicates", async () => {
    await shop.databases.query(
      "products",
      `INSERT INTO products (id, name, description, price, stock, archived_at)
       SELECT gen_random_uuid(), 'Cup ' || n, '', n, n, CASE WHEN n % 7 = 0 THEN now() END
       FROM generate_series(1, 350) n`,
    );
    const all = await sortedIds(
      "products",
      "SELECT id FROM products WHERE archived_at IS NULL ORDER BY id",
    );
    const { data, calls } = await countCalls("{ products(limit: 250, offset: 5) { id } }");
    expect(data.products.map(({ id }) => id)).toEqual(all.slice(5, 255));
    expect(calls).toEqual({ "products.list": 3 });

    const whole = await countCalls("{ products { id } }");
    expect(whole.data.products.map(({ id }) => id)).toEqual(all);
  });

  test("of users is loaded in several calls, in order, up to 1,000 rows", async () => {
    await shop.databases.query(
      "users",
      `INSERT INTO users (id, email, email_key, username, password_hash, type)
       SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', n, '$argon2id$', 0
       FROM generate_series(1, 1100) n`,
    );
    const all = await sortedIds("users", "SELECT id FROM users ORDER BY id");
    const { data, calls } = await countCalls("{ users { id } }");
    expect(data.users.map(({ id }) => id)).toEqual(all.slice(0, 1_000));
    expect(calls).toEqual({ "users.list": 2 });
    const rest = await countCalls("{ users(offset: 1000) { id } }");
    expect(rest.data.users.map(({ id }) => id)).toEqual(all.slice(1_000));
  });

  /** Runs work once, before the second call that loads the list. */
  function beforeSecondCall(action: string, work: () => Promise<unknown>) {
    const call = shop.broker.call.bind(shop.broker);
    let calls = 0;
    return jest.spyOn(shop.broker, "call").mockImplementation((async (
      name: string,
      params?: object,
      options?: object,
    ) => {
      if (name === action && (calls += 1) === 2) await work();
      return call(name, params, options);
    }) as typeof shop.broker.call);
  }

  test.each([
    ["from its beginning", "{ products { id } }", 0],
    ["from an offset", "{ products(offset: 120) { id } }", 120],
  ])(
    "of products skips no row if others are deleted meanwhile: %s",
    async (_, document, offset) => {
      const before = await sortedIds(
        "products",
        "SELECT id FROM products WHERE archived_at IS NULL ORDER BY id",
      );
      // Deletes rows of the first call and rows before the offset.
      const deleted = before.slice(offset).filter((_id, index) => index < 100 && index % 2 === 0);
      const archive = () =>
        shop.databases.query(
          "products",
          "UPDATE products SET archived_at = now() WHERE id = ANY ($1::uuid[])",
          [[...deleted, ...before.slice(0, offset / 2)]],
        );
      const spy = beforeSecondCall("products.list", archive);
      const { data } = await countCalls(document);
      spy.mockRestore();
      expect(data.products.map(({ id }) => id)).toEqual(before.slice(offset));
    },
  );

  test("of users skips no row if others are deleted meanwhile", async () => {
    const before = await sortedIds("users", "SELECT id FROM users ORDER BY id");
    const deleted = before.slice(0, 50).filter((id) => id !== admin.id && !isBuyer(id));
    const spy = beforeSecondCall("users.list", () =>
      shop.databases.query("users", "DELETE FROM users WHERE id = ANY ($1::uuid[])", [deleted]),
    );
    const { data } = await countCalls("{ users { id } }");
    spy.mockRestore();
    expect(data.users.map(({ id }) => id)).toEqual(before.slice(0, 1_000));
  });

  test("can start after an id, which services and the REPL may pass too", async () => {
    for (const action of ["products.list", "users.list", "orders.list"]) {
      const [first, second, third] = await shop.call<{ id: string }[]>(action, { limit: 3 });
      const next = await shop.call<{ id: string }[]>(action, { limit: 1, after: first?.id });
      expect(next.map(({ id }) => id)).toEqual([second?.id]);
      const skipping = { limit: 1, offset: 1, after: first?.id };
      const further = await shop.call<{ id: string }[]>(action, skipping);
      expect(further.map(({ id }) => id)).toEqual([third?.id]);
    }
  });

  const isBuyer = (id: string) => buyers.some((buyer) => buyer.id === id);
});
