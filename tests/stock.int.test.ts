import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { booksOf, settledBooksOf } from "./support/books.ts";
import { placeOrder, putOnSale, type NamedLine } from "./support/ordering.ts";
import { startTestShop, type TestShop } from "./support/shop.ts";

let shop: TestShop;
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  buyer = await shop.signIn("buyer");
});
afterAll(() => shop.stop());

const createProduct = (stock: number, price?: number) => putOnSale(shop, stock, price);
const place = (...lines: NamedLine[]) => placeOrder(shop, buyer.token, ...lines);
const books = (productId: string) => booksOf(shop.databases, productId);
const settled = (productId: string) => settledBooksOf(shop.databases, productId);

describe("at once", () => {
  test("200 orders over five products, each in an order of its own, add up and none waits in a circle", async () => {
    const products = await Promise.all(Array.from({ length: 5 }, () => createProduct(100, 1)));
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => {
        const turned = [...products.slice(n % 5), ...products.slice(0, n % 5)];
        const named = (n % 2 === 0 ? turned : turned.reverse()).slice(0, 3);
        return place(...named.map((id): [string, number] => [id, 1]));
      }),
    );
    const refused = answers.filter(({ order }) => order === undefined);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["OUT_OF_STOCK"]));
    const placed = answers.flatMap(({ order }) => order ?? []);
    for (const product of products) {
      const sold = placed
        .flatMap(({ order_products }) => order_products)
        .filter(({ product_id }) => product_id === product).length;
      const left = 100 - sold;
      expect(await settled(product)).toEqual({ stock: left, reserved: 0, onHand: left });
    }
  });

  test("additions, subtractions and orders add up exactly", async () => {
    const mug = await createProduct(100, 1);
    const change = (type: number, number: number) =>
      shop.call("products.updateInventory", { id: mug, type, number });
    const buy = async () => {
      expect(await place([mug, 1])).toMatchObject({ code: undefined });
    };
    await Promise.all(Array.from({ length: 20 }, () => [change(1, 6), change(2, 4), buy()]).flat());
    const expected = 100 + 20 * 6 - 20 * 4 - 20;
    expect(await settled(mug)).toEqual({ stock: expected, reserved: 0, onHand: expected });
  });

  test("of subtractions that together want too much, as many succeed as there is stock for", async () => {
    const mug = await createProduct(10);
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        shop.call("products.updateInventory", { id: mug, type: 2, number: 1 }),
      ),
    );
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(await books(mug)).toEqual({ stock: 0, reserved: 0, onHand: 0 });
  });
});

describe("the databases themselves refuse", () => {
  test.each<[string, "products" | "orders", string, string]>([
    [
      "a negative stock",
      "products",
      "UPDATE products SET stock = -1",
      "products_stock_not_negative",
    ],
    ["a negative price", "products", "UPDATE products SET price = -1", "products_price_check"],
    [
      "an empty line",
      "orders",
      "UPDATE order_lines SET quantity = 0",
      "order_lines_quantity_check",
    ],
    [
      "a negative total",
      "orders",
      "UPDATE orders SET price_total = -1",
      "orders_price_total_check",
    ],
    [
      "a sale of nobody's order",
      "products",
      `INSERT INTO stock_changes (product_id, change, reason)
       SELECT id, -1, 'SOLD' FROM products LIMIT 1`,
      "stock_changes_of_orders",
    ],
    [
      "an order that is placed and void",
      "orders",
      "INSERT INTO order_history (order_id, step, status) SELECT id, 1, 'VOID' FROM orders",
      "order_history_pkey",
    ],
  ])("%s", async (_what, service, sql, constraint) => {
    await expect(shop.databases.query(service, sql)).rejects.toMatchObject({ constraint });
  });

  test.each(["UPDATE stock_changes SET change = 0", "DELETE FROM stock_changes"])(
    "to touch the ledger's rows: %s",
    async (sql) => {
      await expect(shop.databases.query("products", sql)).rejects.toThrow("never changed");
    },
  );

  test.each(["DELETE FROM products", "TRUNCATE products"])(
    "to remove products: %s",
    async (sql) => {
      await expect(shop.databases.query("products", sql)).rejects.toThrow("never removed");
    },
  );

  test("selling a product twice for one order", async () => {
    const sql = `INSERT INTO stock_changes (product_id, change, reason, order_id)
      SELECT product_id, change, reason, order_id FROM stock_changes WHERE reason = 'SOLD' LIMIT 1`;
    const again = shop.databases.query("products", sql);
    await expect(again).rejects.toMatchObject({ code: "23505" });
  });
});
