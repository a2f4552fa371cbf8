import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { booksOf, settledBooksOf } from "../support/consistency/books.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { putOnSale, type Order } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";

let shop: TestShop;
let buyer: { id: string; token: string };
beforeAll(async () => {
  shop = await startTestShop();
  buyer = await shop.signIn("buyer");
});
afterAll(() => shop.stop());

type Line = [productId: string, quantity: number];

interface Reserved {
  product_id: string;
  quantity: number;
  price: number;
}

/** Reserves for an order. Returns the code of the error if it is rejected. */
async function reserve(orderId: string, ...lines: Line[]): Promise<Reserved[] | string> {
  const named = lines.map(([product_id, quantity]) => ({ product_id, quantity }));
  try {
    return await shop.call("products.reserve", { order_id: orderId, lines: named });
  } catch (error) {
    return (error as { type: string }).type;
  }
}

/** Sends reservations concurrently. Returns the number of successes and the codes of the rejected ones. */
async function reserveAll(orders: Line[][]) {
  const answers = await Promise.all(orders.map((lines) => reserve(randomUUID(), ...lines)));
  const rejections = answers.filter((answer) => typeof answer === "string");
  return { made: answers.length - rejections.length, rejections };
}

describe("a batch of reservations", () => {
  test("reserves exactly the stock", async () => {
    const mug = await putOnSale(shop, 50);
    const { made, rejections } = await reserveAll(Array.from({ length: 80 }, () => [[mug, 1]]));
    expect(made).toBe(50);
    expect(new Set(rejections)).toEqual(new Set(["OUT_OF_STOCK"]));
    expect(await booksOf(shop.databases, mug)).toEqual({ stock: 0, reserved: 50, onHand: 50 });
  });

  test("rejects only the reservations that exceed the stock", async () => {
    const [mug, cup] = [await putOnSale(shop, 10), await putOnSale(shop, 1_000)];
    const orders: Line[][] = [
      [[mug, 11]],
      ...Array.from({ length: 5 }, (): Line[] => [[mug, 2]]),
      ...Array.from({ length: 20 }, (): Line[] => [[cup, 3]]),
      [
        [cup, 1],
        [mug, 100],
      ],
      [[randomUUID(), 1]],
    ];
    const { made, rejections } = await reserveAll(orders);
    expect(made).toBe(25);
    expect(rejections.sort()).toEqual(["OUT_OF_STOCK", "OUT_OF_STOCK", "PRODUCT_NOT_FOUND"]);
    expect(await booksOf(shop.databases, mug)).toMatchObject({ stock: 0, reserved: 10 });
    expect(await booksOf(shop.databases, cup)).toMatchObject({ stock: 940, reserved: 60 });
  });

  test("does not deadlock on products in different orders", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => putOnSale(shop, 10_000)));
    const orders = Array.from({ length: 120 }, (_, n): Line[] =>
      ids.map((_id, index) => [ids[(index * 5 + n) % ids.length] ?? "", 1]),
    );
    expect(await reserveAll(orders)).toEqual({ made: 120, rejections: [] });
    for (const id of ids) {
      expect(await booksOf(shop.databases, id)).toMatchObject({ stock: 9_880, reserved: 120 });
    }
  });
});

describe("a batch of orders", () => {
  test("writes each order with its lines, event and history", async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => putOnSale(shop, 1_000, 3)));
    const orders = await Promise.all(
      Array.from({ length: 100 }, (_, n) => {
        const order_products = [{ product_id: ids[n % 4], quantity: 1 + (n % 3) }];
        return shop.call<Order>("orders.place", { user_id: buyer.id, order_products });
      }),
    );
    expect(new Set(orders.map(({ id }) => id)).size).toBe(100);
    for (const [n, order] of orders.entries()) {
      const quantity = 1 + (n % 3);
      expect(order).toMatchObject({
        quantity,
        price_total: 3 * quantity,
        order_products: [{ product_id: ids[n % 4], quantity }],
      });
    }
    const counted = await shop.databases.query<{ events: number; steps: number }>(
      "orders",
      `SELECT (SELECT count(*) FROM event_log WHERE type = 'order.placed')::integer AS events,
              (SELECT count(*) FROM order_history WHERE status = 'PLACED')::integer AS steps`,
    );
    expect(counted).toEqual([{ events: 100, steps: 100 }]);
  });

  test("is written although one order has a tombstone, and that order gets another id", async () => {
    const mug = await putOnSale(shop, 1_000);
    const reservedIds: string[] = [];
    let voidId = "";
    standInFor(shop.broker, {
      "products.reserveMany": async (call, params) => {
        const reserved = await call();
        const { reservations } = params as { reservations: { order_id: string }[] };
        reservedIds.push(...reservations.map(({ order_id }) => order_id));
        if (voidId === "") {
          voidId = reservedIds.at(-1) ?? "";
          await shop.call("orders.settle", { ids: [voidId] });
        }
        return reserved;
      },
    });
    const order = { user_id: buyer.id, order_products: [{ product_id: mug, quantity: 1 }] };
    // Over HTTP, the orders would not arrive in the same turn of the event loop.
    const placed = await Promise.all(
      Array.from({ length: 20 }, () => shop.call<{ id: string }>("orders.place", order)),
    );
    jest.restoreAllMocks();
    const ids = placed.map(({ id }) => id);
    expect(reservedIds.length).toBeGreaterThanOrEqual(20);
    expect(reservedIds).toContain(voidId);
    const others = reservedIds.filter((id) => id !== voidId);
    expect(ids).toEqual(expect.arrayContaining(others));
    expect(new Set(ids).size).toBe(20);
    expect(ids).not.toContain(voidId);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({
      stock: 980,
      reserved: 0,
      onHand: 980,
    });
  });

  test("writes idempotent orders once each, despite duplicates and retries", async () => {
    const mug = await putOnSale(shop, 1_000);
    const keys = Array.from({ length: 30 }, newKey);
    const sent = [...keys, ...keys, ...keys.slice(0, 10)];
    const sendAll = () =>
      Promise.all(
        sent.map((key) => send(shop, mutations.placeOrder(mug, 1), { key, token: buyer.token })),
      );
    const answers = [...(await sendAll()), ...(await sendAll())];
    const byKey = Map.groupBy(answers, (_answer, index) => sent[index % sent.length]);
    const ids = [...byKey.values()].map(
      (sameKey) => new Set(sameKey.map((answer) => dataOf(answer)?.placeOrder?.id)),
    );
    expect(ids.map(({ size }) => size)).toEqual(keys.map(() => 1));
    expect(new Set(ids.flatMap((idsOfKey) => [...idsOfKey])).size).toBe(30);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({
      stock: 970,
      reserved: 0,
      onHand: 970,
    });
  });
});

describe("a call for several orders", () => {
  test("returns the lines or the client error of each", async () => {
    const [mug, cup] = [await putOnSale(shop, 5, 7), await putOnSale(shop, 1)];
    const unknown = randomUUID();
    const reservationOf = ([product_id, quantity]: Line) => ({
      order_id: randomUUID(),
      lines: [{ product_id, quantity }],
    });
    const asked: Line[] = [
      [mug, 2],
      [cup, 2],
      [mug, 3],
      [unknown, 1],
    ];
    const params = { reservations: asked.map(reservationOf) };
    const first = await shop.call("products.reserveMany", params);
    expect(first).toEqual([
      { lines: [{ product_id: mug, quantity: 2, price: 7 }] },
      {
        error: {
          code: "OUT_OF_STOCK",
          status: 409,
          message: "Only 1 of this product is left.",
          data: { product_id: cup, asked: 2, left: 1 },
        },
      },
      { lines: [{ product_id: mug, quantity: 3, price: 7 }] },
      { error: expect.objectContaining({ code: "PRODUCT_NOT_FOUND", status: 404 }) },
    ]);
    expect(await shop.call("products.reserveMany", params)).toEqual(first);
    expect(await booksOf(shop.databases, mug)).toEqual({ stock: 0, reserved: 5, onHand: 5 });
  });

  test("places orders by one call, and gives each rejected one its own error", async () => {
    const [mug, cup] = [await putOnSale(shop, 1_000), await putOnSale(shop, 1)];
    const orderOf = (product_id: string, quantity: number) =>
      shop.call<{ quantity: number }>("orders.place", {
        user_id: buyer.id,
        order_products: [{ product_id, quantity }],
      });
    const calls = jest.spyOn(shop.broker, "call");
    const placed = await Promise.allSettled([orderOf(mug, 1), orderOf(cup, 2), orderOf(mug, 3)]);
    const called = calls.mock.calls.map(([action]) => action);
    jest.restoreAllMocks();
    expect(called.filter((action) => action.startsWith("products.reserve"))).toEqual([
      "products.reserveMany",
    ]);
    expect(placed).toMatchObject([
      { value: { quantity: 1 } },
      { reason: { type: "OUT_OF_STOCK", data: { product_id: cup, asked: 2, left: 1 } } },
      { value: { quantity: 3 } },
    ]);
  });
});
