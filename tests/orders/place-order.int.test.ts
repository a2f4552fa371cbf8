import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
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

function createProduct(stock: number, price = 5): Promise<Product> {
  return shop.call("products.create", { name: "Mug", description: "", price, stock });
}

test("500 concurrent orders sell exactly the stock, also when lines repeat the product", async () => {
  const { id } = await createProduct(50);
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, n) => {
      const line = { product_id: id, quantity: 1 };
      const lines = n % 5 === 0 ? [line, line] : [line];
      return shop.graphql(placeOrder, { variables: { lines }, token: buyer.token });
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
