import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { loadService } from "../../services/load-services.ts";
import { booksOf, expireReservations, settledBooksOf } from "../support/consistency/books.ts";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { holdEvents, standInFor } from "../support/fakes/stand-ins.ts";

/** Long enough that reservations expire only when a test makes them expire. */
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
const unreserved = (pieces: number) => ({ stock: pieces, reserved: 0, onHand: pieces });

async function reserve(product_id: string, quantity = 1): Promise<string> {
  const order_id = randomUUID();
  await shop.call("products.reserve", { order_id, lines: [{ product_id, quantity }] });
  return order_id;
}

/** Returns the history of an order id in orders. */
const stepsOf = async (id: string) =>
  (
    await shop.databases.query<{ status: string }>(
      "orders",
      "SELECT status FROM order_history WHERE order_id = $1 ORDER BY step",
      [id],
    )
  ).map(({ status }) => status);

/** Read the ids from the parameters of `orders.settle` and `products.reserve`. */
const idsOf = (params: unknown) => (params as { ids: string[] }).ids;
const orderIdOf = (params: unknown) => (params as { order_id: string }).order_id;

const untilReleased = (product: string, pieces: number) =>
  eventually(
    "the reserved stock being released",
    async () => (await books(product)).stock === pieces,
  );

const expireAll = () => expireReservations(shop.databases);

/** Expires the reservations and waits until the sweeper has claimed this one, which moves its expiry. */
async function untilClaimed(id: string): Promise<void> {
  await expireAll();
  const sql = "SELECT FROM reservations WHERE order_id = $1 AND expires_at > now()";
  await eventually("the sweeper claiming the reservation", async () => {
    return (await shop.databases.query("products", sql, [id])).length === 1;
  });
}

describe("a reservation without an order", () => {
  test("is released after it has expired and orders has written a tombstone", async () => {
    const mug = await putOnSale(shop, 5);
    const settlements: unknown[] = [];
    for (const { broker } of [shop, replica]) {
      standInFor(broker, {
        "orders.settle": async (call, params) => {
          const before = await Promise.all(idsOf(params).map(stepsOf));
          const answer = await call();
          const after = await Promise.all(idsOf(params).map(stepsOf));
          settlements.push({ before, after, answer, books: await books(mug) });
          return answer;
        },
      });
    }
    const id = await reserve(mug, 2);
    const held = { stock: 3, reserved: 2, onHand: 5 };
    expect(await books(mug)).toEqual(held);
    await expireAll();
    await untilReleased(mug, 5);
    expect(await books(mug)).toEqual(unreserved(5));
    expect(settlements).toEqual([
      { before: [[]], after: [["VOID"]], answer: { void: [id] }, books: held },
    ]);
    const remaining = "SELECT FROM reservations WHERE order_id = $1";
    expect(await shop.databases.query("products", remaining, [id])).toEqual([]);
  });

  test("is released once when two replicas settle it concurrently", async () => {
    const mug = await putOnSale(shop, 100);
    const settledIds = new Set<string>();
    const bothSettling = Promise.withResolvers<undefined>();
    let calls = 0;
    for (const { broker } of [shop, replica]) {
      standInFor(broker, {
        "orders.settle": async (call, params) => {
          for (const id of idsOf(params)) settledIds.add(id);
          calls += 1;
          if (calls > 1) bothSettling.resolve(undefined);
          // Expires the reservations again, so that the other replica claims the same ones.
          else await expireAll();
          await bothSettling.promise;
          return call();
        },
      });
    }
    const ids = await Promise.all(Array.from({ length: 40 }, () => reserve(mug, 2)));
    expect(await books(mug)).toEqual({ stock: 20, reserved: 80, onHand: 100 });
    await expireAll();
    await eventually(
      "all reservations being released",
      async () => (await books(mug)).reserved === 0,
    );
    expect(await books(mug)).toEqual(unreserved(100));
    expect(settledIds).toEqual(new Set(ids));
    expect(await Promise.all(ids.map(stepsOf))).toEqual(ids.map(() => ["VOID"]));
    expect(await shop.call("products.audit")).toMatchObject({ held: 0, differences: [] });
  });

  test("is kept while orders is unavailable, and released afterwards", async () => {
    const mug = await putOnSale(shop, 3);
    for (const { broker } of [shop, replica]) {
      await broker.destroyService(broker.getLocalService("orders"));
    }
    const id = await reserve(mug, 3);
    await untilClaimed(id);
    await untilClaimed(id);
    expect(await books(mug)).toEqual({ stock: 0, reserved: 3, onHand: 3 });
    expect(await stepsOf(id)).toEqual([]);

    for (const { broker } of [shop, replica]) {
      broker.createService(await loadService(broker, "orders"));
      await broker.waitForServices("orders", generousMs, 20);
    }
    await expireAll();
    await untilReleased(mug, 3);
    expect(await stepsOf(id)).toEqual(["VOID"]);
  });
});

describe("an order whose reservation has expired", () => {
  /** Runs `beforeWrite` for the first `count` orders between reservation and write. Returns the order ids. */
  function slowOrders(count: number, beforeWrite: (id: string) => Promise<unknown>): string[] {
    const ids: string[] = [];
    standInFor(shop.broker, {
      "products.reserve": async (call, params) => {
        const answer = await call();
        ids.push(orderIdOf(params));
        if (ids.length <= count) await beforeWrite(orderIdOf(params));
        return answer;
      },
    });
    return ids;
  }
  const settle = (id: string) => shop.call("orders.settle", { ids: [id] });

  test("is placed with another id after the first reservation was released", async () => {
    const mug = await putOnSale(shop, 5);
    const ids = slowOrders(1, async () => {
      await expireAll();
      await untilReleased(mug, 5);
    });
    const { order } = await placeOrder(shop, token, [mug, 5]);
    expect(order).toMatchObject({ id: ids[1], quantity: 5 });
    expect(await settledBooksOf(shop.databases, mug)).toEqual(unreserved(0));
    expect(await Promise.all(ids.map(stepsOf))).toEqual([["VOID"], ["PLACED"]]);
  });

  test("releases the first reservation itself if the sweeper has not done so", async () => {
    const mug = await putOnSale(shop, 5);
    const ids = slowOrders(1, settle);
    const { order } = await placeOrder(shop, token, [mug, 5]);
    expect(order?.id).toBe(ids[1]);
    expect(ids).toHaveLength(2);
    expect(await settledBooksOf(shop.databases, mug)).toEqual(unreserved(0));
  });

  test("is rejected when it expires repeatedly, and holds no stock", async () => {
    const mug = await putOnSale(shop, 5);
    const ids = slowOrders(99, settle);
    const { code } = await placeOrder(shop, token, [mug, 5]);
    expect(code).toBe("SERVICE_UNAVAILABLE");
    expect(ids.length).toBeGreaterThan(1);
    expect(await books(mug)).toEqual(unreserved(5));
    const sql = "SELECT FROM orders WHERE id = ANY ($1::uuid[])";
    expect(await shop.databases.query("orders", sql, [ids])).toEqual([]);
    expect(await Promise.all(ids.map(stepsOf))).toEqual(ids.map(() => ["VOID"]));
  });
});

test("orders.settle writes a tombstone only for ids without an order", async () => {
  const mug = await putOnSale(shop, 2);
  const { order } = await placeOrder(shop, token, [mug, 1]);
  const id = order?.id ?? "";
  const unused = randomUUID();
  const answers = await Promise.all(
    [shop, replica, shop].map((replica) => replica.call("orders.settle", { ids: [id, unused] })),
  );
  expect(answers).toEqual(answers.map(() => ({ void: [unused] })));
  expect(await stepsOf(id)).toEqual(["PLACED"]);
  expect(await stepsOf(unused)).toEqual(["VOID"]);
});

test("an order keeps its reservation until its delayed event arrives, then is sold", async () => {
  const mug = await putOnSale(shop, 7);
  const logs = [shop, replica].map(({ broker }) => holdEvents(broker, "orders"));
  const { order } = await placeOrder(shop, token, [mug, 3]);
  // A reservation without an order, settled in the same call.
  const orphan = await reserve(mug, 1);
  await untilClaimed(order?.id ?? "");
  await untilReleased(mug, 4);
  expect(await stepsOf(orphan)).toEqual(["VOID"]);
  await untilClaimed(order?.id ?? "");
  expect(await books(mug)).toEqual({ stock: 4, reserved: 3, onHand: 7 });
  expect(await stepsOf(order?.id ?? "")).toEqual(["PLACED"]);
  await Promise.all(logs.map((log) => log.letGo()));
  expect(await settledBooksOf(shop.databases, mug)).toEqual(unreserved(4));
});

describe("the audit of the stock", () => {
  interface Audit {
    products: number;
    changes: number;
    held: number;
    differences: { product_id: string; stock: number; held: number; on_hand: number }[];
  }
  const audit = () => shop.call<Audit>("products.audit");

  test("finds no differences after orders, cancellations and stock changes", async () => {
    const before = await audit();
    const mug = await putOnSale(shop, 10);
    await shop.call("products.updateInventory", { id: mug, type: 2, number: 1 });
    await placeOrder(shop, token, [mug, 2]);
    const { order } = await placeOrder(shop, token, [mug, 3]);
    await shop.call("orders.cancel", { id: order?.id });
    await untilReleased(mug, 7);
    // One reservation stays held: the sweeper claims it only in an hour.
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

  /** Returns the audit when all reservations but one are sold. */
  const settledHeld = () =>
    eventually("the orders being sold", async () => {
      const found = await audit();
      return found.held === 1 && found;
    });

  test("reports a product whose stock was changed without a ledger row", async () => {
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
