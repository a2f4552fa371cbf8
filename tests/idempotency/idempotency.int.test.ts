import { request, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { booksOf } from "../support/books.ts";
import type { Answer } from "../../tools/support/graphql-client.ts";
import {
  cancel,
  create,
  dataOf,
  newKey,
  place,
  register,
  send,
  update,
} from "../support/idempotent-requests.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
/** A second gateway, and a second replica of everything, on the same databases. */
let other: TestShop;
let admin: { id: string; token: string };
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  other = await startTestShop({}, shop.databases);
  admin = await shop.signIn("admin", 1);
  buyer = await shop.signIn("buyer");
});
afterAll(async () => {
  await other.stop();
  await shop.stop();
});

/** How many rows there are of all that mutations write, and of the events that tell of it. */
async function effects(): Promise<Record<string, number>> {
  const tables = {
    users: ["users", "event_log"],
    products: ["products", "reservations", "stock_changes WHERE order_id IS NULL"],
    orders: ["orders", "order_history", "event_log"],
  };
  const counted: Record<string, number> = {};
  for (const service of ["users", "products", "orders"] as const) {
    for (const table of tables[service]) {
      const sql = `SELECT count(*)::int AS rows FROM ${table}`;
      const [row] = await shop.databases.query<{ rows: number }>(service, sql);
      counted[`${service}.${table}`] = row?.rows ?? 0;
    }
  }
  return counted;
}

async function order(product: string, quantity = 1): Promise<string> {
  const { order: placed } = await placeOrder(shop, buyer.token, [product, quantity]);
  if (placed === undefined) throw new Error("the order was refused");
  return placed.id;
}

/** Each mutation but login: a document, another one of the same action, and who sends them. */
const mutations: [string, () => Promise<{ token?: string; same: string; changed: string }>][] = [
  ["registerUser", async () => ({ same: register("ann"), changed: register("bea") })],
  [
    "createProduct",
    async () => ({ token: admin.token, same: create("Mug"), changed: create("Cup") }),
  ],
  [
    "updateInventory",
    async () => {
      const mug = await putOnSale(shop, 5);
      return { token: admin.token, same: update(mug, 2), changed: update(mug, 3) };
    },
  ],
  [
    "placeOrder",
    async () => {
      const mug = await putOnSale(shop, 5);
      return { token: buyer.token, same: place(mug, 2), changed: place(mug, 1) };
    },
  ],
  [
    "cancelOrder",
    async () => {
      const mug = await putOnSale(shop, 5);
      const [first, second] = [await order(mug), await order(mug)];
      return { token: buyer.token, same: cancel(first), changed: cancel(second) };
    },
  ],
];

describe.each(mutations)("%s with a key", (field, prepare) => {
  test("happens once, is answered the same again by any gateway, and refuses another input", async () => {
    const { token, same, changed } = await prepare();
    const key = newKey();
    const before = await effects();
    const first = dataOf(await send(shop, same, { key, token }));
    const after = await effects();
    expect(after).not.toEqual(before);
    for (const at of [shop, other]) {
      expect(dataOf(await send(at, same, { key, token }))).toEqual(first);
    }
    expect(await send(shop, changed, { key, token })).toMatchObject({
      code: "IDEMPOTENCY_MISMATCH",
      data: null,
    });
    expect(dataOf(await send(shop, same, { key, token }))).toEqual(first);
    expect(await effects()).toEqual(after);
    expect(dataOf(await send(shop, changed, { key: newKey(), token }))).toHaveProperty(field);
    expect(await effects()).not.toEqual(after);
  });

  test("happens once when ten equal ones come at once", async () => {
    const { token, same } = await prepare();
    const ten = same.replaceAll("ann", "cleo");
    const key = newKey();
    const before = await effects();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => send(n % 2 ? other : shop, ten, { key, token })),
    );
    const [first, ...others] = answers.map(dataOf);
    for (const answer of others) expect(answer).toEqual(first);
    const grown = Object.entries(await effects()).map(
      ([table, rows]) => rows - (before[table] ?? 0),
    );
    expect(Math.max(...grown)).toBe(1);
  });
});

describe("a refusal does not use the key up:", () => {
  test("a product that is sold out, ordered again when there is more of it", async () => {
    const mug = await putOnSale(shop, 1);
    const key = newKey();
    const by = { key, token: buyer.token };
    expect((await send(shop, place(mug, 2), by)).code).toBe("OUT_OF_STOCK");
    expect((await send(shop, place(mug, 2), by)).code).toBe("OUT_OF_STOCK");
    await shop.call("products.updateInventory", { id: mug, type: 1, number: 4 });
    const placed = dataOf(await send(shop, place(mug, 2), by));
    expect(dataOf(await send(shop, place(mug, 2), by))).toEqual(placed);
    expect((await booksOf(shop.databases, mug)).stock).toBe(3);
  });

  test("a product that is sold out, ordered again with another input", async () => {
    const mug = await putOnSale(shop, 1);
    const by = { key: newKey(), token: buyer.token };
    expect((await send(shop, place(mug, 2), by)).code).toBe("OUT_OF_STOCK");
    expect(dataOf(await send(shop, place(mug, 1), by))?.placeOrder).toMatchObject({ quantity: 1 });
    expect((await send(shop, place(mug, 2), by)).code).toBe("IDEMPOTENCY_MISMATCH");
  });

  test("an input that breaks a rule", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    expect((await send(shop, update(mug, -1), by)).code).toBe("BAD_USER_INPUT");
    expect((await send(shop, update(mug, 0), by)).code).toBe("BAD_USER_INPUT");
    expect((await send(shop, update(mug, 9, 2), by)).code).toBe("INSUFFICIENT_STOCK");
    expect(dataOf(await send(shop, update(mug, 3, 2), by))?.updateInventory).toEqual({
      success: true,
    });
    expect((await booksOf(shop.databases, mug)).stock).toBe(2);
  });

  test("an email that is taken, and somebody who may not", async () => {
    const by = { key: newKey() };
    expect((await send(shop, register("buyer"), by)).code).toBe("EMAIL_TAKEN");
    expect((await send(shop, register("dora", 1), by)).code).toBe("UNAUTHENTICATED");
    expect(dataOf(await send(shop, register("dora"), by))?.registerUser).toMatchObject({
      username: "dora",
    });
  });
});

describe("the same key means something else", () => {
  test("from another caller", async () => {
    const mug = await putOnSale(shop, 5);
    const key = newKey();
    const orders = [];
    for (const token of [admin.token, buyer.token]) {
      orders.push(dataOf(await send(shop, place(mug, 1), { key, token }))?.placeOrder);
    }
    expect(orders).toMatchObject([{ user_id: admin.id }, { user_id: buyer.id }]);
    expect((await booksOf(shop.databases, mug)).stock).toBe(3);
  });

  test("from the operator, who names it in the call's meta", async () => {
    const mug = await putOnSale(shop, 5);
    const meta = { idempotencyKey: newKey() };
    const params = { user_id: buyer.id, order_products: [{ product_id: mug, quantity: 2 }] };
    const call = (at: TestShop, given: object) => at.broker.call("orders.place", given, { meta });
    const first = await call(shop, params);
    expect(await call(other, params)).toEqual(first);
    await expect(call(shop, { ...params, user_id: admin.id })).rejects.toMatchObject({
      type: "IDEMPOTENCY_MISMATCH",
    });
    await send(shop, place(mug, 2), { key: meta.idempotencyKey, token: buyer.token });
    expect((await booksOf(shop.databases, mug)).stock).toBe(1);
  });

  test("for another action", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    expect(dataOf(await send(shop, create("Bowl"), by))?.createProduct).toMatchObject({
      name: "Bowl",
    });
    expect(dataOf(await send(shop, update(mug, 1), by))?.updateInventory).toEqual({
      success: true,
    });
    expect(dataOf(await send(shop, place(mug, 1), by))?.placeOrder).toMatchObject({ quantity: 1 });
  });

  test("of strangers at another address", async () => {
    const key = newKey();
    const from = (localAddress: string, name: string) =>
      sendFrom(localAddress, register(name), key);
    expect((await from("127.0.0.1", "eva")).data?.registerUser).toMatchObject({ username: "eva" });
    expect((await from("127.0.0.2", "fay")).data?.registerUser).toMatchObject({ username: "fay" });
    const codes = [await from("127.0.0.1", "fay"), await from("127.0.0.2", "eva")].map(
      ({ errors }) => errors?.[0]?.extensions.code,
    );
    expect(codes).toEqual(["IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_MISMATCH"]);
  });
});

/** Sends a document from one of this machine's own addresses. */
async function sendFrom(localAddress: string, query: string, key: string): Promise<Answer> {
  const headers = { "content-type": "application/json", "idempotency-key": key };
  const response = Promise.withResolvers<IncomingMessage>();
  request(`${shop.url}/graphql`, { method: "POST", headers, localAddress }, response.resolve)
    .on("error", response.reject)
    .end(JSON.stringify({ query }));
  return (await json(await response.promise)) as Answer;
}

test("the first admin's registration is answered the same again, though the door is closed now", async () => {
  const fresh = await startTestShop();
  try {
    const key = newKey();
    const first = dataOf(await send(fresh, register("first", 1), { key }));
    expect(first?.registerUser).toMatchObject({ type: 1 });
    expect(dataOf(await send(fresh, register("first", 1), { key }))).toEqual(first);
    expect((await send(fresh, register("first", 1), { key: newKey() })).code).toBe(
      "UNAUTHENTICATED",
    );
  } finally {
    await fresh.stop();
  }
});
