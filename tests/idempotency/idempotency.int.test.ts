import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { booksOf } from "../support/consistency/books.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
/** A second gateway with replicas of all services, on the same databases. */
let replica: TestShop;
let admin: { id: string; token: string };
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  replica = await startTestShop({}, shop.databases);
  admin = await shop.signIn("admin", 1);
  buyer = await shop.signIn("buyer");
});
afterAll(async () => {
  await replica.stop();
  await shop.stop();
});

/** Counts the rows of all tables that mutations write, and of the event logs. */
async function rowCounts(): Promise<Record<string, number>> {
  const tables = {
    users: ["users", "event_log"],
    products: ["products", "former_prices", "reservations", "stock_changes WHERE order_id IS NULL"],
    orders: ["orders", "order_history", "event_log"],
  };
  const counts: Record<string, number> = {};
  for (const service of ["users", "products", "orders"] as const) {
    for (const table of tables[service]) {
      const sql = `SELECT count(*)::int AS rows FROM ${table}`;
      const [row] = await shop.databases.query<{ rows: number }>(service, sql);
      counts[`${service}.${table}`] = row?.rows ?? 0;
    }
  }
  return counts;
}

async function order(product: string): Promise<string> {
  const { order: placed } = await placeOrder(shop, buyer.token, [product, 1]);
  if (placed === undefined) throw new Error("the order was rejected");
  return placed.id;
}

/** Each mutation but login: a document, a document with another input, and their sender. */
const cases: [string, () => Promise<{ token?: string; same: string; changed: string }>][] = [
  [
    "registerUser",
    async () => ({ same: mutations.registerUser("ann"), changed: mutations.registerUser("bea") }),
  ],
  [
    "createProduct",
    async () => ({
      token: admin.token,
      same: mutations.createProduct("Mug"),
      changed: mutations.createProduct("Cup"),
    }),
  ],
  [
    "updateProduct",
    async () => {
      const [first, second] = [await putOnSale(shop, 5), await putOnSale(shop, 5)];
      return {
        token: admin.token,
        same: mutations.updateProduct(first, 1, 9),
        changed: mutations.updateProduct(second, 1, 9),
      };
    },
  ],
  [
    "updateInventory",
    async () => {
      const mug = await putOnSale(shop, 5);
      return {
        token: admin.token,
        same: mutations.updateInventory(mug, 1, 2),
        changed: mutations.updateInventory(mug, 1, 3),
      };
    },
  ],
  [
    "placeOrder",
    async () => {
      const mug = await putOnSale(shop, 5);
      return {
        token: buyer.token,
        same: mutations.placeOrder(mug, 2),
        changed: mutations.placeOrder(mug, 1),
      };
    },
  ],
  [
    "cancelOrder",
    async () => {
      const mug = await putOnSale(shop, 5);
      const [first, second] = [await order(mug), await order(mug)];
      return {
        token: buyer.token,
        same: mutations.cancelOrder(first),
        changed: mutations.cancelOrder(second),
      };
    },
  ],
  [
    "shipOrder",
    async () => {
      const id = await order(await putOnSale(shop, 5));
      return {
        token: admin.token,
        same: mutations.shipOrder(id),
        changed: mutations.shipOrder(await order(await putOnSale(shop, 5))),
      };
    },
  ],
  [
    "completeOrder",
    async () => {
      const mug = await putOnSale(shop, 5);
      const [first, second] = [await order(mug), await order(mug)];
      await shop.call("orders.ship", { id: first });
      await shop.call("orders.ship", { id: second });
      return {
        token: admin.token,
        same: mutations.completeOrder(first),
        changed: mutations.completeOrder(second),
      };
    },
  ],
];

describe.each(cases)("%s with an idempotency key", (field, prepare) => {
  test("has one effect, returns the same response from any gateway, and rejects another input", async () => {
    const { token, same, changed } = await prepare();
    const key = newKey();
    const before = await rowCounts();
    const first = dataOf(await send(shop, same, { key, token }));
    const after = await rowCounts();
    expect(after).not.toEqual(before);
    for (const target of [shop, replica]) {
      expect(dataOf(await send(target, same, { key, token }))).toEqual(first);
    }
    expect(await send(shop, changed, { key, token })).toMatchObject({
      code: "IDEMPOTENCY_MISMATCH",
      data: null,
    });
    expect(dataOf(await send(shop, same, { key, token }))).toEqual(first);
    expect(await rowCounts()).toEqual(after);
    expect(dataOf(await send(shop, changed, { key: newKey(), token }))).toHaveProperty(field);
    expect(await rowCounts()).not.toEqual(after);
  });

  test("has one effect if ten duplicates arrive in parallel", async () => {
    const { token, same } = await prepare();
    const document = same.replaceAll("ann", "cleo");
    const key = newKey();
    const before = await rowCounts();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => send(n % 2 ? replica : shop, document, { key, token })),
    );
    const [first, ...others] = answers.map(dataOf);
    for (const answer of others) expect(answer).toEqual(first);
    const grown = Object.entries(await rowCounts()).map(
      ([table, rows]) => rows - (before[table] ?? 0),
    );
    expect(Math.max(...grown)).toBe(1);
  });
});

describe("a client error does not consume the idempotency key:", () => {
  test("an order of a sold-out product succeeds after the product is restocked", async () => {
    const mug = await putOnSale(shop, 1);
    const key = newKey();
    const by = { key, token: buyer.token };
    expect((await send(shop, mutations.placeOrder(mug, 2), by)).code).toBe("OUT_OF_STOCK");
    expect((await send(shop, mutations.placeOrder(mug, 2), by)).code).toBe("OUT_OF_STOCK");
    await shop.call("products.updateInventory", { id: mug, type: 1, number: 4 });
    const placed = dataOf(await send(shop, mutations.placeOrder(mug, 2), by));
    expect(dataOf(await send(shop, mutations.placeOrder(mug, 2), by))).toEqual(placed);
    expect((await booksOf(shop.databases, mug)).stock).toBe(3);
  });

  test("an order of a sold-out product succeeds with another input", async () => {
    const mug = await putOnSale(shop, 1);
    const by = { key: newKey(), token: buyer.token };
    expect((await send(shop, mutations.placeOrder(mug, 2), by)).code).toBe("OUT_OF_STOCK");
    expect(dataOf(await send(shop, mutations.placeOrder(mug, 1), by))?.placeOrder).toMatchObject({
      quantity: 1,
    });
    expect((await send(shop, mutations.placeOrder(mug, 2), by)).code).toBe("IDEMPOTENCY_MISMATCH");
  });

  test("a stock change succeeds after invalid inputs with the same key", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    expect((await send(shop, mutations.updateInventory(mug, 1, -1), by)).code).toBe(
      "BAD_USER_INPUT",
    );
    expect((await send(shop, mutations.updateInventory(mug, 1, 0), by)).code).toBe(
      "BAD_USER_INPUT",
    );
    expect((await send(shop, mutations.updateInventory(mug, 2, 9), by)).code).toBe(
      "INSUFFICIENT_STOCK",
    );
    expect(
      dataOf(await send(shop, mutations.updateInventory(mug, 2, 3), by))?.updateInventory,
    ).toEqual({
      success: true,
    });
    expect((await booksOf(shop.databases, mug)).stock).toBe(2);
  });

  test("a registration succeeds after a taken email and a forbidden type with the same key", async () => {
    const by = { key: newKey() };
    expect((await send(shop, mutations.registerUser("buyer"), by)).code).toBe("EMAIL_TAKEN");
    expect((await send(shop, mutations.registerUser("dora", 1), by)).code).toBe("UNAUTHENTICATED");
    expect(
      dataOf(await send(shop, mutations.registerUser("dora"), by))?.registerUser,
    ).toMatchObject({
      username: "dora",
    });
  });
});

describe("idempotency keys are separate", () => {
  test("for each signed-in caller", async () => {
    const mug = await putOnSale(shop, 5);
    const key = newKey();
    const orders = [];
    for (const token of [admin.token, buyer.token]) {
      orders.push(
        dataOf(await send(shop, mutations.placeOrder(mug, 1), { key, token }))?.placeOrder,
      );
    }
    expect(orders).toMatchObject([{ user_id: admin.id }, { user_id: buyer.id }]);
    expect((await booksOf(shop.databases, mug)).stock).toBe(3);
  });

  test("for the operator, who passes the key in the call's meta", async () => {
    const mug = await putOnSale(shop, 5);
    const meta = { idempotencyKey: newKey() };
    const params = { user_id: buyer.id, order_products: [{ product_id: mug, quantity: 2 }] };
    const call = (target: TestShop, input: object) =>
      target.broker.call("orders.place", input, { meta });
    const first = await call(shop, params);
    expect(await call(replica, params)).toEqual(first);
    await expect(call(shop, { ...params, user_id: admin.id })).rejects.toMatchObject({
      type: "IDEMPOTENCY_MISMATCH",
    });
    await send(shop, mutations.placeOrder(mug, 2), {
      key: meta.idempotencyKey,
      token: buyer.token,
    });
    expect((await booksOf(shop.databases, mug)).stock).toBe(1);
  });

  test("for each action", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    expect(
      dataOf(await send(shop, mutations.createProduct("Bowl"), by))?.createProduct,
    ).toMatchObject({
      name: "Bowl",
    });
    expect(
      dataOf(await send(shop, mutations.updateInventory(mug, 1, 1), by))?.updateInventory,
    ).toEqual({
      success: true,
    });
    expect(dataOf(await send(shop, mutations.placeOrder(mug, 1), by))?.placeOrder).toMatchObject({
      quantity: 1,
    });
  });

  test("for anonymous callers of different IP addresses", async () => {
    const headers = { "idempotency-key": newKey() };
    const from = (address: string, name: string) =>
      graphqlFrom(address, shop.url, mutations.registerUser(name), { headers });
    expect((await from("127.0.0.1", "eva")).data?.registerUser).toMatchObject({ username: "eva" });
    expect((await from("127.0.0.2", "fay")).data?.registerUser).toMatchObject({ username: "fay" });
    const codes = [await from("127.0.0.1", "fay"), await from("127.0.0.2", "eva")].map(
      ({ code }) => code,
    );
    expect(codes).toEqual(["IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_MISMATCH"]);
  });
});

test("a retried registration of the first admin returns the same response", async () => {
  const emptyShop = await startTestShop();
  try {
    const key = newKey();
    const first = dataOf(await send(emptyShop, mutations.registerUser("first", 1), { key }));
    expect(first?.registerUser).toMatchObject({ type: 1 });
    expect(dataOf(await send(emptyShop, mutations.registerUser("first", 1), { key }))).toEqual(
      first,
    );
    expect(
      (await send(emptyShop, mutations.registerUser("first", 1), { key: newKey() })).code,
    ).toBe("UNAUTHENTICATED");
  } finally {
    await emptyShop.stop();
  }
});
