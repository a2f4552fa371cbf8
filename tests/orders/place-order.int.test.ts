import { afterAll, beforeAll, expect, test } from "@jest/globals";
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
