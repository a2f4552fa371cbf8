import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gatewayName } from "../../core/access.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop({ TRUSTED_PROXIES: "loopback" });
  buyer = await shop.signIn("buyer");
});
afterAll(() => shop.stop());

const placeOrder = `mutation ($lines: [PlaceOrderProduct!]!) {
  placeOrder(input: { order_products: $lines }) { id quantity price_total }
}`;

interface Product {
  id: string;
  stock: number;
}

function createProduct(stock: number): Promise<Product> {
  return shop.call("products.create", { name: "Mug", description: "", price: 5, stock });
}

test("500 concurrent orders sell exactly the stock, also when lines repeat the product", async () => {
  const { id } = await createProduct(50);
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, n) => {
      const line = { product_id: id, quantity: 1 };
      const lines = n % 5 === 0 ? [line, line] : [line];
      // One address runs at most 100 requests at a time.
      const headers = { "x-forwarded-for": `192.0.2.${n % 5}` };
      return shop.graphql(placeOrder, { variables: { lines }, token: buyer.token, headers });
    }),
  );
  const placed = answers.filter(({ errors }) => errors === undefined);
  const rejected = answers.filter(({ errors }) => errors !== undefined);
  const sold = placed.reduce((sum, { data }) => sum + Number(data?.placeOrder?.quantity), 0);
  expect(sold).toBe(50);
  expect(new Set(rejected.map(({ code }) => code))).toEqual(new Set(["OUT_OF_STOCK"]));

  const { stock } = await shop.call<Product>("products.get", { id });
  expect(stock).toBe(0);
  const [written] = await shop.databases.query<{ orders: number; pieces: number }>(
    "orders",
    "SELECT count(DISTINCT order_id)::int AS orders, sum(quantity)::int AS pieces FROM order_lines WHERE product_id = $1",
    [id],
  );
  expect(written).toEqual({ orders: placed.length, pieces: 50 });
});

test("an operator places an order of the past, which has its place among the orders of that time", async () => {
  const { id: product_id } = await createProduct(9);
  const order = { user_id: buyer.id, order_products: [{ product_id, quantity: 1 }] };
  const placed_at = "2026-01-31T10:20:30.400Z";
  const { id } = await shop.call<{ id: string }>("orders.place", { ...order, placed_at });
  const found = await shop.graphql(
    `{ ordersConnection(first: 2, filter: { placedBefore: "2026-02-01T00:00:00Z" }) {
      nodes { id createdAt history { status at } } } }`,
    { token: buyer.token },
  );
  expect(found.data?.ordersConnection?.nodes).toEqual([
    { id, createdAt: placed_at, history: [{ status: "PLACED", at: placed_at }] },
  ]);
});

test("an order cannot be placed in the future, and customers cannot choose its time", async () => {
  const { id: product_id } = await createProduct(9);
  const order = { user_id: buyer.id, order_products: [{ product_id, quantity: 1 }] };
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  await expect(shop.call("orders.place", { ...order, placed_at: tomorrow })).rejects.toMatchObject({
    type: "BAD_USER_INPUT",
    data: { fields: [{ field: "placed_at" }] },
  });
  const viewer = { kind: "user", id: buyer.id, type: 0, sessionId: buyer.id };
  const placed = await shop.broker.call<{ id: string }, object>(
    "orders.place",
    { ...order, placed_at: "2026-01-31T10:20:30Z" },
    { caller: gatewayName, meta: { viewer } } as object,
  );
  expect(Date.parse(timeOfId(placed.id))).toBeGreaterThan(Date.now() - 60_000);
});

describe("an order whose lines have an expected price", () => {
  const place = (lines: object[], headers = {}) =>
    shop.graphql(placeOrder, { variables: { lines }, token: buyer.token, headers });

  test("is placed at that price", async () => {
    const { id } = await createProduct(3);
    const line = { product_id: id, quantity: 1, expectedPrice: 5 };
    const { data, errors } = await place([line, { product_id: id, quantity: 1 }]);
    expect(errors).toBeUndefined();
    expect(data?.placeOrder).toMatchObject({ quantity: 2, price_total: 10 });
  });

  test("is rejected at another price, and keeps no stock and no idempotency key", async () => {
    const [first, second] = [await createProduct(3), await createProduct(3)];
    await shop.call("products.update", { id: second.id, version: 1, price: 6 });
    const lines = [
      { product_id: first.id, quantity: 1, expectedPrice: 5 },
      { product_id: second.id, quantity: 3, expectedPrice: 5 },
    ];
    const headers = { "idempotency-key": "expected-price" };
    const rejected = await place(lines, headers);
    expect(rejected.data).toBeNull();
    expect(rejected.errors?.[0]?.extensions).toMatchObject({
      code: "PRICE_CHANGED",
      product_id: second.id,
      expected: 5,
      price: 6,
    });
    for (const { id } of [first, second]) {
      expect((await shop.call<Product>("products.get", { id })).stock).toBe(3);
    }
    const accepted = lines.map((line) =>
      line === lines[1] ? { ...line, expectedPrice: 6 } : line,
    );
    const [placed, repeated] = [await place(accepted, headers), await place(accepted, headers)];
    expect(placed.data?.placeOrder).toMatchObject({ price_total: 23 });
    expect(repeated.data).toEqual(placed.data);
  });

  test("is rejected if lines of one product expect different prices", async () => {
    const { id: product_id } = await createProduct(3);
    const lines = [5, 4].map((expectedPrice) => ({ product_id, quantity: 1, expectedPrice }));
    expect(await place(lines)).toMatchObject({ code: "PRICE_CHANGED" });
  });

  test("is rejected as out of stock if there is neither stock nor that price", async () => {
    const { id: product_id } = await createProduct(1);
    const line = { product_id, quantity: 2, expectedPrice: 4 };
    expect(await place([line])).toMatchObject({ code: "OUT_OF_STOCK" });
  });

  test.each([-1, 2_147_483_648, 1.5])("is invalid with the price %s", async (expectedPrice) => {
    const { id: product_id } = await createProduct(1);
    expect(await place([{ product_id, quantity: 1, expectedPrice }])).toMatchObject({
      code: "BAD_USER_INPUT",
    });
  });

  test("takes any price if the expected price is null", async () => {
    const { id: product_id } = await createProduct(1);
    const { data } = await place([{ product_id, quantity: 1, expectedPrice: null }]);
    expect(data?.placeOrder).toMatchObject({ price_total: 5 });
  });
});
