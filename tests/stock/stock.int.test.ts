import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditEntry } from "../../core/audit.ts";
import { booksOf, settledBooksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale, type NamedLine } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

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

describe("concurrent changes", () => {
  test("of 200 orders over five products in different orders add up without a deadlock", async () => {
    const products = await Promise.all(Array.from({ length: 5 }, () => createProduct(100, 1)));
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => {
        const rotated = [...products.slice(n % 5), ...products.slice(0, n % 5)];
        const named = (n % 2 === 0 ? rotated : rotated.reverse()).slice(0, 3);
        return place(...named.map((id): [string, number] => [id, 1]));
      }),
    );
    const rejected = answers.filter(({ order }) => order === undefined);
    expect(new Set(rejected.map(({ code }) => code))).toEqual(new Set(["OUT_OF_STOCK"]));
    const placed = answers.flatMap(({ order }) => order ?? []);
    for (const product of products) {
      const sold = placed
        .flatMap(({ order_products }) => order_products)
        .filter(({ product_id }) => product_id === product).length;
      const left = 100 - sold;
      expect(await settled(product)).toEqual({ stock: left, reserved: 0, onHand: left });
    }
  });

  test("of additions, subtractions and orders add up exactly", async () => {
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

  test("of subtractions beyond the stock succeed exactly as often as the stock allows", async () => {
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

describe("the stock limit leaves room for restocks", () => {
  const maxInt = 2_147_483_647;
  const change = (id: string, type: number, number: number) =>
    shop.call("products.updateInventory", { id, type, number });
  const buy = async (id: string, quantity: number) => {
    const { order } = await place([id, quantity]);
    return order?.id ?? "";
  };
  const cancel = (id: string) => shop.call("orders.cancel", { id });
  const noDeadLetters = { dead_letters: { events: 0, not_sold: 0, not_returned: 0 } };

  test("with a stock of the largest Int", async () => {
    const mug = await createProduct(maxInt, 0);
    const order = await buy(mug, 5);
    const tooMuch = { type: "BAD_USER_INPUT", data: { fields: [{ field: "number" }] } };
    await expect(change(mug, 1, 5)).rejects.toMatchObject(tooMuch);
    await settled(mug);
    await expect(change(mug, 1, 1)).rejects.toMatchObject(tooMuch);
    await cancel(order);
    await eventually("the restock", async () => {
      expect(await books(mug)).toEqual({ stock: maxInt, reserved: 0, onHand: maxInt });
      return true;
    });
    expect(await shop.call("products.audit")).toMatchObject(noDeadLetters);
  });

  test("of several orders, and subtractions free room for additions", async () => {
    const mug = await createProduct(maxInt - 10, 0);
    const orders = await Promise.all([1, 2, 3].map((n) => buy(mug, n * 100_000_000)));
    await change(mug, 1, 10);
    await expect(change(mug, 1, 1)).rejects.toMatchObject({ type: "BAD_USER_INPUT" });
    await change(mug, 2, 7);
    await change(mug, 1, 7);
    await expect(change(mug, 1, 1)).rejects.toMatchObject({ type: "BAD_USER_INPUT" });
    // Restocks also work for an archived product.
    await change(mug, 3, 0);
    await Promise.all(orders.map(cancel));
    await eventually("the restock", async () => {
      expect(await books(mug)).toEqual({ stock: maxInt, reserved: 0, onHand: maxInt });
      return true;
    });
    await eventually("the read model of orders", async () => {
      const sql = "SELECT on_hand FROM known_products WHERE id = $1";
      expect(await shop.databases.query("orders", sql, [mug])).toEqual([{ on_hand: maxInt }]);
      return true;
    });
    expect(await shop.call("products.audit")).toMatchObject(noDeadLetters);
    expect(await shop.call("orders.deadLetters")).toEqual([]);
  });

  test("under concurrent additions", async () => {
    const mug = await createProduct(maxInt - 40, 0);
    await buy(mug, 1_000);
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => change(mug, 1, 10)));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
  });

  test("and the audit counts the pieces in dead letters", async () => {
    const lines = [{ quantity: 3 }, { quantity: 4_000_000_000 }, { quantity: "x" }, 7];
    const letters: [string, unknown][] = [
      ["order.cancelled", { lines }],
      ["order.placed", { lines: [{ quantity: 2 }] }],
      ["order.placed", { lines: "none" }],
      ["user.registered", null],
    ];
    for (const [position, [type, data]] of letters.entries()) {
      await shop.databases.query(
        "products",
        `INSERT INTO dead_letters (id, producer, position, event, reason)
         VALUES (gen_random_uuid(), 'test', $1, $2, 'test')`,
        [position, JSON.stringify({ type, data })],
      );
    }
    expect(await shop.call("products.audit")).toMatchObject({
      dead_letters: { events: 4, not_sold: 2, not_returned: 4_000_000_003 },
    });
    await shop.databases.query("products", "DELETE FROM dead_letters WHERE producer = 'test'");
  });
});

describe("products.correctStock", () => {
  const correct = (id: string, onHand: number) =>
    shop.call("products.correctStock", { id, onHand });

  test("makes stock, ledger, reservations and the read model of orders agree", async () => {
    const mug = await createProduct(10, 1);
    const reserved = { product_id: mug, quantity: 2 };
    await shop.call("products.reserve", { order_id: randomUUID(), lines: [reserved] });
    await shop.databases.query("products", "UPDATE products SET stock = 9 WHERE id = $1", [mug]);
    // Only the stock is wrong, then also the ledger.
    expect(await correct(mug, 10)).toEqual({ stock: 8, onHand: 10, held: 2, change: 0 });
    expect(await books(mug)).toEqual({ stock: 8, reserved: 2, onHand: 10 });
    expect(await correct(mug, 7)).toEqual({ stock: 5, onHand: 7, held: 2, change: -3 });
    expect(await books(mug)).toEqual({ stock: 5, reserved: 2, onHand: 7 });
    expect(await shop.call("products.audit")).toMatchObject({ differences: [] });
    const [entry] = await shop.call<AuditEntry[]>("products.auditTrail", { limit: 1 });
    expect(entry).toMatchObject({ action: "STOCK_COUNTED", subjectId: mug });
    await eventually("the read model of orders", async () => {
      const sql = "SELECT on_hand FROM known_products WHERE id = $1";
      expect(await shop.databases.query("orders", sql, [mug])).toEqual([{ on_hand: 7 }]);
      return true;
    });
  });

  test("records that a product is sold out, and that it is back", async () => {
    const mug = await createProduct(3);
    await correct(mug, 0);
    await correct(mug, 4);
    const events = await shop.databases.query<{ type: string; number: number | null }>(
      "products",
      `SELECT type, (data ->> 'number')::int AS number FROM event_log
       WHERE data ->> 'product_id' = $1 AND type LIKE 'inventory.%' ORDER BY position`,
      [mug],
    );
    expect(events).toEqual([
      { type: "inventory.updated", number: -3 },
      { type: "inventory.depleted", number: null },
      { type: "inventory.updated", number: 4 },
      { type: "inventory.replenished", number: null },
    ]);
  });

  test("rejects fewer pieces than are held, and an unknown product", async () => {
    const mug = await createProduct(3);
    const reserved = { product_id: mug, quantity: 2 };
    await shop.call("products.reserve", { order_id: randomUUID(), lines: [reserved] });
    await expect(correct(mug, 1)).rejects.toMatchObject({ type: "INSUFFICIENT_STOCK" });
    await expect(correct(randomUUID(), 1)).rejects.toMatchObject({ type: "PRODUCT_NOT_FOUND" });
    expect(await books(mug)).toEqual({ stock: 1, reserved: 2, onHand: 3 });
  });
});

describe("database constraints reject", () => {
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
      "a sale without an order",
      "products",
      `INSERT INTO stock_changes (product_id, change, reason)
       SELECT id, -1, 'SOLD' FROM products LIMIT 1`,
      "stock_changes_of_orders",
    ],
    [
      "an order with both a placement and a tombstone",
      "orders",
      "INSERT INTO order_history (order_id, step, status) SELECT id, 1, 'VOID' FROM orders",
      "order_history_pkey",
    ],
  ])("%s", async (_title, service, sql, constraint) => {
    await expect(shop.databases.query(service, sql)).rejects.toMatchObject({ constraint });
  });

  test.each(["UPDATE stock_changes SET change = 0", "DELETE FROM stock_changes"])(
    "changes of ledger rows: %s",
    async (sql) => {
      await expect(shop.databases.query("products", sql)).rejects.toThrow("never changed");
    },
  );

  test.each(["DELETE FROM products", "TRUNCATE products"])(
    "the removal of products: %s",
    async (sql) => {
      await expect(shop.databases.query("products", sql)).rejects.toThrow("never removed");
    },
  );

  test("a second sale of a product for one order", async () => {
    const sql = `INSERT INTO stock_changes (product_id, change, reason, order_id)
      SELECT product_id, change, reason, order_id FROM stock_changes WHERE reason = 'SOLD' LIMIT 1`;
    const duplicate = shop.databases.query("products", sql);
    await expect(duplicate).rejects.toMatchObject({ code: "23505" });
  });
});
