import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { booksOf, settledBooksOf } from "../support/books.ts";
import { dataOf, newKey, place, send } from "../support/idempotent-requests.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/stand-ins.ts";

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

/** Reserves for an order; the code of the refusal where it is refused. */
async function reserve(orderId: string, ...lines: Line[]): Promise<Reserved[] | string> {
  const named = lines.map(([product_id, quantity]) => ({ product_id, quantity }));
  try {
    return await shop.call("products.reserve", { order_id: orderId, lines: named });
  } catch (error) {
    return (error as { type: string }).type;
  }
}

/** What comes of reservations that come together: how many were made, and the codes of the others. */
async function together(asked: Line[][]) {
  const answers = await Promise.all(asked.map((lines) => reserve(randomUUID(), ...lines)));
  const refusals = answers.filter((answer) => typeof answer === "string");
  return { made: answers.length - refusals.length, refusals };
}

describe("reservations that come together", () => {
  test("sell as many pieces as there are, and not one more", async () => {
    const mug = await putOnSale(shop, 50);
    const { made, refusals } = await together(Array.from({ length: 80 }, () => [[mug, 1]]));
    expect(made).toBe(50);
    expect(new Set(refusals)).toEqual(new Set(["OUT_OF_STOCK"]));
    expect(await booksOf(shop.databases, mug)).toEqual({ stock: 0, reserved: 50, onHand: 50 });
  });

  test("are refused each on its own: who asks for too much keeps nobody from the rest", async () => {
    const [mug, cup] = [await putOnSale(shop, 10), await putOnSale(shop, 1_000)];
    const asked: Line[][] = [
      [[mug, 11]],
      ...Array.from({ length: 5 }, (): Line[] => [[mug, 2]]),
      ...Array.from({ length: 20 }, (): Line[] => [[cup, 3]]),
      [
        [cup, 1],
        [mug, 100],
      ],
      [[randomUUID(), 1]],
    ];
    const { made, refusals } = await together(asked);
    expect(made).toBe(25);
    expect(refusals.sort()).toEqual(["OUT_OF_STOCK", "OUT_OF_STOCK", "PRODUCT_NOT_FOUND"]);
    expect(await booksOf(shop.databases, mug)).toMatchObject({ stock: 0, reserved: 10 });
    expect(await booksOf(shop.databases, cup)).toMatchObject({ stock: 940, reserved: 60 });
  });

  test("of several products in any order hold each other up in no circle", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => putOnSale(shop, 10_000)));
    const asked = Array.from({ length: 120 }, (_, n): Line[] =>
      ids.map((_id, index) => [ids[(index * 5 + n) % ids.length] ?? "", 1]),
    );
    expect(await together(asked)).toEqual({ made: 120, refusals: [] });
    for (const id of ids) {
      expect(await booksOf(shop.databases, id)).toMatchObject({ stock: 9_880, reserved: 120 });
    }
  });

  test("for the same order are one", async () => {
    const mug = await putOnSale(shop, 100, 7);
    const [order, other] = [randomUUID(), randomUUID()];
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => reserve(order, [mug, 2])),
      reserve(other, [mug, 5]),
    ]);
    for (const answer of answers.slice(0, 10)) {
      expect(answer).toEqual([{ product_id: mug, quantity: 2, price: 7 }]);
    }
    expect(await booksOf(shop.databases, mug)).toMatchObject({ stock: 93, reserved: 7 });
  });
});

describe("orders that come together", () => {
  test("are all written, each with its own lines, event and history", async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => putOnSale(shop, 1_000, 3)));
    const placed = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        placeOrder(shop, buyer.token, [ids[n % 4] ?? "", 1 + (n % 3)]),
      ),
    );
    const orders = placed.map(({ order }) => order);
    expect(new Set(orders.map((order) => order?.id)).size).toBe(100);
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

  test("are written though one among them can never be, which gets another id", async () => {
    const mug = await putOnSale(shop, 1_000);
    const tried: string[] = [];
    const allReserved = Promise.withResolvers<undefined>();
    standInFor(shop.broker, {
      "products.reserve": async (call, params) => {
        const { order_id } = params as { order_id: string };
        const reserved = await call();
        tried.push(order_id);
        if (tried.length === 20) {
          await shop.call("orders.settle", { ids: [tried[2]] });
          allReserved.resolve(undefined);
        }
        await allReserved.promise;
        return reserved;
      },
    });
    const placed = await Promise.all(
      Array.from({ length: 20 }, () => placeOrder(shop, buyer.token, [mug, 1])),
    );
    jest.restoreAllMocks();
    const ids = placed.map(({ order }) => order?.id);
    expect(tried).toHaveLength(21);
    expect(new Set(ids)).toEqual(new Set(tried.filter((_id, index) => index !== 2)));
    expect(await settledBooksOf(shop.databases, mug)).toEqual({
      stock: 980,
      reserved: 0,
      onHand: 980,
    });
  });

  test("with keys are written once each, and so are their twins and repetitions", async () => {
    const mug = await putOnSale(shop, 1_000);
    const keys = Array.from({ length: 30 }, newKey);
    const sent = [...keys, ...keys, ...keys.slice(0, 10)];
    const sendAll = () =>
      Promise.all(sent.map((key) => send(shop, place(mug, 1), { key, token: buyer.token })));
    const answers = [...(await sendAll()), ...(await sendAll())];
    const byKey = Map.groupBy(answers, (_answer, index) => sent[index % sent.length]);
    const ids = [...byKey.values()].map(
      (of) => new Set(of.map((one) => dataOf(one)?.placeOrder?.id)),
    );
    expect(ids.map(({ size }) => size)).toEqual(keys.map(() => 1));
    expect(new Set(ids.flatMap((of) => [...of])).size).toBe(30);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({
      stock: 970,
      reserved: 0,
      onHand: 970,
    });
  });
});
