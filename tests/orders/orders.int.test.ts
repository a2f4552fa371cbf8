import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { SalesDay } from "../../services/orders/orders.contract.ts";
import { booksOf, settledBooksOf } from "../support/consistency/books.ts";
import {
  placeOrder,
  putOnSale,
  type Line,
  type NamedLine,
  type Order,
} from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  buyer = await shop.signIn("buyer");
});
afterAll(() => shop.stop());

const createProduct = (stock: number, price?: number, name?: string) =>
  putOnSale(shop, stock, price, name);
const place = (...lines: NamedLine[]) => placeOrder(shop, buyer.token, ...lines);
const books = (productId: string) => booksOf(shop.databases, productId);
const settled = (productId: string) => settledBooksOf(shop.databases, productId);

function reserve(orderId: string, ...lines: Line[]): Promise<(Line & { price: number })[]> {
  return shop.call("products.reserve", { order_id: orderId, lines });
}

function release(orderId: string): Promise<{ released: boolean }> {
  return shop.call("products.release", { order_id: orderId });
}

async function totalOrders(): Promise<number> {
  const sql = "SELECT count(*)::int AS count FROM orders";
  const [row] = await shop.databases.query<{ count: number }>("orders", sql);
  return row?.count ?? 0;
}

describe("placeOrder", () => {
  test("reserves all lines at the current prices", async () => {
    const mug = await createProduct(10, 5);
    const cup = await createProduct(10, 7, "Cup");
    const { order } = await place([cup, 2], [mug, 3]);
    expect(order).toEqual({
      id: expect.any(String),
      user_id: buyer.id,
      quantity: 5,
      price_total: 29,
      order_products: [
        { product_id: mug, quantity: 3, price: 5, name: "Mug" },
        { product_id: cup, quantity: 2, price: 7, name: "Cup" },
      ],
    });
    expect(await settled(mug)).toEqual({ stock: 7, reserved: 0, onHand: 7 });
    expect(await settled(cup)).toEqual({ stock: 8, reserved: 0, onHand: 8 });

    await shop.databases.query("products", "UPDATE products SET price = 999 WHERE id = $1", [mug]);
    const found = await shop.call("orders.get", { id: order?.id });
    expect(found).toEqual({ ...order, status: "PLACED" });
  });

  test("reserves no line when one is out of stock", async () => {
    const plenty = await createProduct(10);
    const scarce = await createProduct(1);
    const before = await totalOrders();
    const { code, error } = await place([plenty, 2], [scarce, 2]);
    expect(code).toBe("OUT_OF_STOCK");
    expect(error).toMatchObject({ product_id: scarce, asked: 2, left: 1 });
    expect(await books(plenty)).toEqual({ stock: 10, reserved: 0, onHand: 10 });
    expect(await books(scarce)).toEqual({ stock: 1, reserved: 0, onHand: 1 });
    expect(await totalOrders()).toBe(before);
  });

  test("reserves no line when a product is not in the catalogue", async () => {
    const plenty = await createProduct(10);
    const unknown = "01900000-0000-7000-8000-000000000000";
    expect(await place([plenty, 2], [unknown, 1])).toMatchObject({
      code: "PRODUCT_NOT_FOUND",
      error: { product_id: unknown },
    });
    expect(await books(plenty)).toEqual({ stock: 10, reserved: 0, onHand: 10 });
  });

  test("reserves no line when the total exceeds an Int", async () => {
    const dear = await createProduct(10, 2_000_000_000);
    expect(await place([dear, 2])).toMatchObject({
      code: "BAD_USER_INPUT",
      error: { fields: [{ field: "order_products" }] },
    });
    expect(await books(dear)).toEqual({ stock: 10, reserved: 0, onHand: 10 });
  });

  test("sums up the lines of a product, also with an upper-case id", async () => {
    const mug = await createProduct(6, 5);
    const { order } = await place([mug, 1], [mug.toUpperCase(), 2], [mug, 3]);
    expect(order).toMatchObject({ quantity: 6, price_total: 30 });
    expect(order?.order_products).toHaveLength(1);
    expect((await place([mug, 1])).code).toBe("OUT_OF_STOCK");
    expect(await settled(mug)).toEqual({ stock: 0, reserved: 0, onHand: 0 });
  });

  test("checks the stock against the sum of the lines of a product", async () => {
    const mug = await createProduct(5);
    expect(await place([mug, 3], [mug, 3])).toMatchObject({
      code: "OUT_OF_STOCK",
      error: { asked: 6, left: 5 },
    });
  });
});

describe("a reservation", () => {
  test("is made once per order id, and a repeated call gives the same answer", async () => {
    const products = [
      await createProduct(9, 1),
      await createProduct(9, 2),
      await createProduct(2, 3),
    ];
    const lines = products.map((product_id) => ({ product_id, quantity: 2 }));
    const orderId = randomUUID();
    const first = await reserve(orderId, ...lines);
    expect(first).toEqual(lines.map((line, n) => ({ ...line, price: n + 1 })));
    expect(await reserve(orderId, ...lines)).toEqual(first);
    expect(await books(products[0] ?? "")).toEqual({ stock: 7, reserved: 2, onHand: 9 });
    expect(await books(products[2] ?? "")).toEqual({ stock: 0, reserved: 2, onHand: 2 });
  });

  test("is made once per order id by ten concurrent calls, also for the last piece", async () => {
    const product_id = await createProduct(1);
    const orderId = randomUUID();
    const line = { product_id, quantity: 1 };
    const answers = await Promise.all(Array.from({ length: 10 }, () => reserve(orderId, line)));
    for (const answer of answers) expect(answer).toEqual([{ ...line, price: 5 }]);
    expect(await books(product_id)).toEqual({ stock: 0, reserved: 1, onHand: 1 });
  });

  test("is released once", async () => {
    const product_id = await createProduct(9);
    const orderId = randomUUID();
    await reserve(orderId, { product_id, quantity: 4 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => release(orderId)));
    expect(answers.filter(({ released }) => released)).toHaveLength(1);
    expect(await release(orderId)).toEqual({ released: false });
    expect(await books(product_id)).toEqual({ stock: 9, reserved: 0, onHand: 9 });
  });

  test("that became a sale is not released", async () => {
    const mug = await createProduct(9);
    const { order } = await place([mug, 4]);
    await settled(mug);
    expect(await release(order?.id ?? "")).toEqual({ released: false });
    expect(await books(mug)).toEqual({ stock: 5, reserved: 0, onHand: 5 });
  });
});

describe("an archived product", () => {
  let archived: string;
  let order: Order | undefined;

  beforeAll(async () => {
    archived = await createProduct(10, 5, "Relic");
    ({ order } = await place([archived, 2]));
    await shop.call("products.updateInventory", { id: archived, type: 3, number: 0 });
  });

  test("is not returned by product and products", async () => {
    expect((await shop.graphql(`{ product(id: "${archived}") { id } }`)).code).toBe(
      "PRODUCT_NOT_FOUND",
    );
    const { data } = await shop.graphql("{ products { id } }");
    expect(JSON.stringify(data)).not.toContain(archived);
  });

  test("cannot be ordered or changed", async () => {
    expect(await place([archived, 1])).toMatchObject({ code: "PRODUCT_NOT_FOUND" });
    for (const type of [1, 2, 3]) {
      const change = shop.call("products.updateInventory", { id: archived, type, number: 1 });
      await expect(change).rejects.toMatchObject({ type: "PRODUCT_NOT_FOUND" });
    }
  });

  test("keeps its line and its name in earlier orders", async () => {
    const { data } = await shop.graphql<{ order: Order }>(
      `{ order(id: "${order?.id ?? ""}") { price_total
           order_products { product_id quantity price name product { id } } } }`,
      { token: buyer.token },
    );
    const line = { product_id: archived, quantity: 2, price: 5, name: "Relic", product: null };
    expect(data?.order).toEqual({ price_total: 10, order_products: [line] });
  });
});

test("salesByDay counts the orders of each day, and the revenue without cancelled orders", async () => {
  const salesOfToday = async () => {
    const days = await shop.call<SalesDay[]>("orders.salesByDay", { days: 2 });
    expect(days).toHaveLength(2);
    expect(days[0]).toMatchObject({ orders: 0, cancelled: 0, revenue: 0 });
    const [, today] = days;
    if (today === undefined) throw new Error("There is no entry for today.");
    return today;
  };
  const before = await salesOfToday();
  expect(before.day).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  const mug = await createProduct(10, 5);
  await place([mug, 2]);
  const { order } = await place([mug, 1]);
  await shop.call("orders.cancel", { id: order?.id });
  expect(await salesOfToday()).toEqual({
    day: before.day,
    orders: before.orders + 2,
    cancelled: before.cancelled + 1,
    revenue: before.revenue + 10,
  });
});
