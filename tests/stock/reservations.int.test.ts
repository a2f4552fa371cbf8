import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { loadService } from "../../services/load-services.ts";
import { booksOf, expireReservations, settledBooksOf } from "../support/books.ts";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { holdEvents, standInFor } from "../support/stand-ins.ts";

/** None is over before the test says so, however slow the machine is. */
const env = { RESERVATION_TTL_SECONDS: "3600" };
let shop: TestShop;
let replica: TestShop;
let token: string;

beforeAll(async () => {
  shop = await startTestShop(env);
  replica = await startTestShop(env, shop.databases);
  ({ token } = await shop.signIn("buyer"));
});
afterAll(async () => {
  await replica.stop();
  await shop.stop();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const books = (product: string) => booksOf(shop.databases, product);
const untouched = (pieces: number) => ({ stock: pieces, reserved: 0, onHand: pieces });

async function reserve(product_id: string, quantity = 1, order_id = randomUUID()): Promise<string> {
  await shop.call("products.reserve", { order_id, lines: [{ product_id, quantity }] });
  return order_id;
}

/** The steps that orders knows of an id. */
const stepsOf = async (id: string) =>
  (
    await shop.databases.query<{ status: string }>(
      "orders",
      "SELECT status FROM order_history WHERE order_id = $1 ORDER BY step",
      [id],
    )
  ).map(({ status }) => status);

/** The ids that a call of `orders.settle` or `products.reserve` is about. */
const idsOf = (params: unknown) => (params as { ids: string[] }).ids;
const orderIdOf = (params: unknown) => (params as { order_id: string }).order_id;

const isGivenBack = (product: string, pieces: number) =>
  eventually("what was held is given back", async () => (await books(product)).stock === pieces);

const expireAll = () => expireReservations(shop.databases);

/** Waits until the time of a reservation was over and orders was to be asked for it: who asks moves it on. */
async function isAskedFor(id: string): Promise<void> {
  await expireAll();
  const sql = "SELECT FROM reservations WHERE order_id = $1 AND expires_at > now()";
  await eventually("orders is asked", async () => {
    return (await shop.databases.query("products", sql, [id])).length === 1;
  });
}

describe("a reservation without an order", () => {
  test("is given back when its time is over, after orders has promised that there will be none", async () => {
    const mug = await putOnSale(shop, 5);
    const promised: unknown[] = [];
    for (const { broker } of [shop, replica]) {
      standInFor(broker, {
        "orders.settle": async (call, params) => {
          const before = await Promise.all(idsOf(params).map(stepsOf));
          const answer = await call();
          const after = await Promise.all(idsOf(params).map(stepsOf));
          promised.push({ before, after, answer, books: await books(mug) });
          return answer;
        },
      });
    }
    const id = await reserve(mug, 2);
    const held = { stock: 3, reserved: 2, onHand: 5 };
    expect(await books(mug)).toEqual(held);
    await expireAll();
    await isGivenBack(mug, 5);
    expect(await books(mug)).toEqual(untouched(5));
    expect(promised).toEqual([
      { before: [[]], after: [["VOID"]], answer: { void: [id] }, books: held },
    ]);
    const left = "SELECT FROM reservations WHERE order_id = $1";
    expect(await shop.databases.query("products", left, [id])).toEqual([]);
  });

  test("is given back once when two replicas have asked for it and are answered at once", async () => {
    const mug = await putOnSale(shop, 100);
    const asked = new Set<string>();
    const bothAsk = Promise.withResolvers<undefined>();
    let calls = 0;
    for (const { broker } of [shop, replica]) {
      standInFor(broker, {
        "orders.settle": async (call, params) => {
          for (const id of idsOf(params)) asked.add(id);
          calls += 1;
          if (calls > 1) bothAsk.resolve(undefined);
          // Lets the other one ask for the same.
          else await expireAll();
          await bothAsk.promise;
          return call();
        },
      });
    }
    const ids = await Promise.all(Array.from({ length: 40 }, () => reserve(mug, 2)));
    expect(await books(mug)).toEqual({ stock: 20, reserved: 80, onHand: 100 });
    await expireAll();
    await eventually("nothing is held", async () => (await books(mug)).reserved === 0);
    expect(await books(mug)).toEqual(untouched(100));
    expect(asked).toEqual(new Set(ids));
    expect(await Promise.all(ids.map(stepsOf))).toEqual(ids.map(() => ["VOID"]));
    expect(await shop.call("products.audit")).toMatchObject({ held: 0, differences: [] });
  });

  test("is kept while orders is away, and given back when that is there again", async () => {
    const mug = await putOnSale(shop, 3);
    for (const { broker } of [shop, replica]) {
      await broker.destroyService(broker.getLocalService("orders"));
    }
    const id = await reserve(mug, 3);
    await isAskedFor(id);
    await isAskedFor(id);
    expect(await books(mug)).toEqual({ stock: 0, reserved: 3, onHand: 3 });
    expect(await stepsOf(id)).toEqual([]);

    for (const { broker } of [shop, replica]) {
      broker.createService(await loadService(broker, "orders"));
      await broker.waitForServices("orders", generousMs, 20);
    }
    await expireAll();
    await isGivenBack(mug, 3);
    expect(await stepsOf(id)).toEqual(["VOID"]);
  });
});

describe("an order whose stock was reserved too long ago", () => {
  /** Voids the first ids that are reserved, before their order is written. Gives the ids. */
  function slowOrders(howMany: number, afterwards: (id: string) => Promise<unknown>): string[] {
    const ids: string[] = [];
    standInFor(shop.broker, {
      "products.reserve": async (call, params) => {
        const answer = await call();
        ids.push(orderIdOf(params));
        if (ids.length <= howMany) await afterwards(orderIdOf(params));
        return answer;
      },
    });
    return ids;
  }
  const settle = (id: string) => shop.call("orders.settle", { ids: [id] });

  test("is placed under another id, after the first was given back", async () => {
    const mug = await putOnSale(shop, 5);
    const ids = slowOrders(1, async () => {
      await expireAll();
      await isGivenBack(mug, 5);
    });
    const { order } = await placeOrder(shop, token, [mug, 5]);
    expect(order).toMatchObject({ id: ids[1], quantity: 5 });
    expect(await settledBooksOf(shop.databases, mug)).toEqual(untouched(0));
    expect(await Promise.all(ids.map(stepsOf))).toEqual([["VOID"], ["PLACED"]]);
  });

  test("gives back itself what the sweeper has not given back yet", async () => {
    const mug = await putOnSale(shop, 5);
    const ids = slowOrders(1, settle);
    const { order } = await placeOrder(shop, token, [mug, 5]);
    expect(order?.id).toBe(ids[1]);
    expect(ids).toHaveLength(2);
    expect(await settledBooksOf(shop.databases, mug)).toEqual(untouched(0));
  });

  test("is refused when that happens again and again, and holds nothing", async () => {
    const mug = await putOnSale(shop, 5);
    const ids = slowOrders(99, settle);
    const { code } = await placeOrder(shop, token, [mug, 5]);
    expect(code).toBe("SERVICE_UNAVAILABLE");
    expect(ids.length).toBeGreaterThan(1);
    expect(await books(mug)).toEqual(untouched(5));
    const sql = "SELECT FROM orders WHERE id = ANY ($1::uuid[])";
    expect(await shop.databases.query("orders", sql, [ids])).toEqual([]);
    expect(await Promise.all(ids.map(stepsOf))).toEqual(ids.map(() => ["VOID"]));
  });
});

test("an id that is an order is never void, and a void id is void for good", async () => {
  const mug = await putOnSale(shop, 2);
  const { order } = await placeOrder(shop, token, [mug, 1]);
  const id = order?.id ?? "";
  const never = randomUUID();
  const answers = await Promise.all(
    [shop, replica, shop].map((one) => one.call("orders.settle", { ids: [id, never] })),
  );
  expect(answers).toEqual(answers.map(() => ({ void: [never] })));
  expect(await stepsOf(id)).toEqual(["PLACED"]);
  expect(await stepsOf(never)).toEqual(["VOID"]);
});

test("an order keeps its stock however late its event is, and is sold when that comes", async () => {
  const mug = await putOnSale(shop, 7);
  const logs = [shop, replica].map(({ broker }) => holdEvents(broker, "orders"));
  const { order } = await placeOrder(shop, token, [mug, 3]);
  // Another one that is asked for together with it, and is no order.
  const orphan = await reserve(mug, 1);
  await isAskedFor(order?.id ?? "");
  await isGivenBack(mug, 4);
  expect(await stepsOf(orphan)).toEqual(["VOID"]);
  await isAskedFor(order?.id ?? "");
  expect(await books(mug)).toEqual({ stock: 4, reserved: 3, onHand: 7 });
  expect(await stepsOf(order?.id ?? "")).toEqual(["PLACED"]);
  await Promise.all(logs.map((log) => log.letGo()));
  expect(await settledBooksOf(shop.databases, mug)).toEqual(untouched(4));
});

describe("the audit of the stock", () => {
  interface Audit {
    products: number;
    changes: number;
    held: number;
    differences: { product_id: string; stock: number; held: number; on_hand: number }[];
  }
  const audit = () => shop.call<Audit>("products.audit");

  test("finds no differences after orders, cancellations and changes, and counts what there is", async () => {
    const before = await audit();
    const mug = await putOnSale(shop, 10);
    await shop.call("products.updateInventory", { id: mug, type: 2, number: 1 });
    await placeOrder(shop, token, [mug, 2]);
    const { order } = await placeOrder(shop, token, [mug, 3]);
    await shop.call("orders.cancel", { id: order?.id });
    await isGivenBack(mug, 7);
    // What is held is part of it: the next reservation is asked for in an hour.
    const id = await reserve(mug);
    const later = "UPDATE reservations SET expires_at = now() + '1 hour' WHERE order_id = $1";
    await shop.databases.query("products", later, [id]);
    expect(await settledHeld()).toEqual({
      products: before.products + 1,
      // Created, subtracted, sold twice, returned.
      changes: before.changes + 5,
      held: 1,
      differences: [],
      dead_letters: { events: 0, not_sold: 0, not_returned: 0 },
    });
    await shop.call("products.release", { order_id: id });
  });

  /** The audit, once everything but one reservation is sold. */
  const settledHeld = () =>
    eventually("the orders are sold", async () => {
      const found = await audit();
      return found.held === 1 && found;
    });

  test("shows a product whose stock was changed past the ledger", async () => {
    const [mug, cup] = [await putOnSale(shop, 10), await putOnSale(shop, 4)];
    const tamper = "UPDATE products SET stock = stock + $2 WHERE id = $1";
    await shop.databases.query("products", tamper, [mug, 2]);
    await shop.databases.query("products", tamper, [cup, -1]);
    const { differences } = await audit();
    expect(differences).toEqual([
      { product_id: mug, stock: 12, held: 0, on_hand: 10 },
      { product_id: cup, stock: 3, held: 0, on_hand: 4 },
    ]);
    await shop.databases.query("products", tamper, [mug, -2]);
    await shop.databases.query("products", tamper, [cup, 1]);
    expect((await audit()).differences).toEqual([]);
  });
});
