import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { booksOf, expireReservations, settledBooksOf } from "../support/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cancel, dataOf, newKey, place, send, update } from "../support/idempotent-requests.ts";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/stand-ins.ts";

/** No reservation is over before the test says so, however slow the machine is. */
const env = { RESERVATION_TTL_SECONDS: "3600" };
let shop: TestShop;
/** A second gateway, and a second replica of everything, on the same databases. */
let other: TestShop;
let buyer: { id: string; token: string };
let admin: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop(env);
  other = await startTestShop(env, shop.databases);
  buyer = await shop.signIn("buyer");
  admin = await shop.signIn("admin", 1);
});
afterAll(async () => {
  await other.stop();
  await shop.stop();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const books = (product: string) => booksOf(shop.databases, product);
const settled = (product: string) => settledBooksOf(shop.databases, product);

/** Sends a document so often at once, by turns to one gateway and the other. */
const atOnce = (times: number, document: string, by: { key: string; token: string }) =>
  Promise.all(Array.from({ length: times }, (_, n) => send(n % 2 ? other : shop, document, by)));

/** The ids of a product's orders, and the reservations that were ever made for it and are left. */
async function tracesOf(product: string) {
  const orders = await shop.databases.query<{ id: string }>(
    "orders",
    "SELECT order_id AS id FROM order_lines WHERE product_id = $1",
    [product],
  );
  const reservations = await shop.databases.query<{ id: string }>(
    "products",
    "SELECT order_id AS id FROM reservation_lines WHERE product_id = $1",
    [product],
  );
  return { orders: orders.map(({ id }) => id), reservations: reservations.map(({ id }) => id) };
}

describe("at once over two gateways", () => {
  test("fifty equal orders are one, with equal answers", async () => {
    const mug = await putOnSale(shop, 100);
    const answers = await atOnce(50, place(mug, 3), { key: newKey(), token: buyer.token });
    const [first, ...others] = answers.map(dataOf);
    expect(first?.placeOrder).toMatchObject({ user_id: buyer.id, price_total: 15, quantity: 3 });
    for (const answer of others) expect(answer).toEqual(first);
    expect(await settled(mug)).toEqual({ stock: 97, reserved: 0, onHand: 97 });
    const id = first?.placeOrder?.id;
    expect(await tracesOf(mug)).toEqual({ orders: [id], reservations: [id] });
  });

  test("twenty equal orders of the last piece all get the one order", async () => {
    const mug = await putOnSale(shop, 1);
    const answers = await atOnce(20, place(mug, 1), { key: newKey(), token: buyer.token });
    const orders = answers.map((answer) => dataOf(answer)?.placeOrder?.id);
    expect(new Set(orders).size).toBe(1);
    expect(await settled(mug)).toEqual({ stock: 0, reserved: 0, onHand: 0 });
  });

  test("ten orders with one key and different inputs are one; the others are told so", async () => {
    const mug = await putOnSale(shop, 100);
    const by = { key: newKey(), token: buyer.token };
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => send(n % 2 ? other : shop, place(mug, n + 1), by)),
    );
    const placed = answers.flatMap(({ data }) => data?.placeOrder ?? []);
    expect(placed).toHaveLength(1);
    const codes = answers.flatMap(({ code }) => code ?? []);
    expect(codes).toEqual(codes.map(() => "IDEMPOTENCY_MISMATCH"));
    const left = 100 - (placed[0] as { quantity: number }).quantity;
    expect(await settled(mug)).toEqual({ stock: left, reserved: 0, onHand: left });
  });

  test("a product's change is made once, and an order cancelled once", async () => {
    const mug = await putOnSale(shop, 10);
    const asAdmin = () => ({ key: newKey(), token: admin.token });
    for (const answer of await atOnce(10, update(mug, 5), asAdmin())) {
      expect(dataOf(answer)?.updateInventory).toEqual({ success: true });
    }
    expect(await books(mug)).toEqual({ stock: 15, reserved: 0, onHand: 15 });
    const { id } = dataOf(await send(shop, place(mug, 4), asAdmin()))?.placeOrder ?? {};
    for (const answer of await atOnce(10, cancel(String(id)), asAdmin())) {
      expect(dataOf(answer)?.cancelOrder).toEqual({ id, status: "CANCELLED" });
    }
    await eventually("the stock is back", async () => (await books(mug)).stock === 15);
    expect(await books(mug)).toEqual({ stock: 15, reserved: 0, onHand: 15 });
  });
});

describe("after a refusal that was told", () => {
  test("an earlier attempt that had stood still places nothing", async () => {
    const mug = await putOnSale(shop, 1);
    const by = { key: newKey(), token: buyer.token };
    let goOn: () => void = () => undefined;
    let arrived = false;
    standInFor(shop.broker, {
      "products.reserve": async (call) => {
        arrived = true;
        await new Promise<void>((resolve) => (goOn = resolve));
        return call();
      },
    });
    const stalled = send(shop, place(mug, 1), by);
    await eventually("the first attempt is about to reserve", () => arrived);
    dataOf(await send(other, update(mug, 1, 2), { key: newKey(), token: admin.token }));
    expect((await send(other, place(mug, 1), by)).code).toBe("OUT_OF_STOCK");
    dataOf(await send(other, update(mug, 1), { key: newKey(), token: admin.token }));
    goOn();
    expect((await stalled).code).toBe("IDEMPOTENCY_IN_PROGRESS");
    expect(await settled(mug)).toEqual({ stock: 1, reserved: 0, onHand: 1 });
    expect((await tracesOf(mug)).orders).toEqual([]);
    jest.restoreAllMocks();
    const again = await send(other, place(mug, 1), by);
    expect(dataOf(again)?.placeOrder).toMatchObject({ quantity: 1 });
    expect((await tracesOf(mug)).orders).toEqual([again.data?.placeOrder?.id]);
  });
});

describe("an order is placed once by its key", () => {
  test("when its answer was lost after the commit", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: buyer.token };
    let lost: unknown;
    standInFor(shop.broker, {
      "orders.place": async (call) => {
        lost = await call();
        throw new Error("the connection is gone");
      },
    });
    expect((await send(shop, place(mug, 2), by)).code).toBe("INTERNAL_SERVER_ERROR");
    jest.restoreAllMocks();
    for (const at of [shop, other]) {
      expect(dataOf(await send(at, place(mug, 2), by))?.placeOrder).toEqual(lost);
    }
    expect(await settled(mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
  });

  test("when its commit failed", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: buyer.token };
    await shop.databases.query(
      "orders",
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN RAISE EXCEPTION 'no commit today' USING ERRCODE = 'XX000'; END $$;
       CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
    const warning = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    expect((await send(shop, place(mug, 2), by)).code).toBe("INTERNAL_SERVER_ERROR");
    warning.mockRestore();
    await shop.databases.query("orders", "DROP FUNCTION refuse CASCADE");
    expect(await books(mug)).toEqual({ stock: 5, reserved: 0, onHand: 5 });
    const placed = dataOf(await send(other, place(mug, 2), by));
    expect(dataOf(await send(shop, place(mug, 2), by))).toEqual(placed);
    expect((await tracesOf(mug)).orders).toEqual([placed?.placeOrder?.id]);
    expect(await settled(mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
  });

  /** An order whose process dies when its stock is reserved. Gives the order's id. */
  async function dieAfterReserving(product: string, by: { key: string; token: string }) {
    let reserved = "";
    standInFor(shop.broker, {
      "products.reserve": async (call, params) => {
        await call();
        reserved = (params as { order_id: string }).order_id;
        throw new Error("the process is gone");
      },
    });
    expect((await send(shop, place(product, 2), by)).code).toBe("INTERNAL_SERVER_ERROR");
    jest.restoreAllMocks();
    expect(await books(product)).toMatchObject({ reserved: 2 });
    return reserved;
  }

  test("when it died after the stock was reserved: with that reservation", async () => {
    const mug = await putOnSale(shop, 2);
    const by = { key: newKey(), token: buyer.token };
    const id = await dieAfterReserving(mug, by);
    expect(dataOf(await send(other, place(mug, 2), by))?.placeOrder?.id).toBe(id);
    expect(await settled(mug)).toEqual({ stock: 0, reserved: 0, onHand: 0 });
  });

  test("when it died and its stock was given back: under another id, however many try again", async () => {
    const mug = await putOnSale(shop, 100);
    const by = { key: newKey(), token: buyer.token };
    const id = await dieAfterReserving(mug, by);
    await expireReservations(shop.databases);
    await eventually("the stock is back", async () => (await books(mug)).reserved === 0);
    const answers = await atOnce(12, place(mug, 2), by);
    for (const { code } of answers) expect([undefined, "IDEMPOTENCY_IN_PROGRESS"]).toContain(code);
    const last = dataOf(await send(shop, place(mug, 2), by))?.placeOrder;
    for (const { data } of answers) expect(data?.placeOrder ?? last).toEqual(last);
    expect(last?.id).not.toBe(id);
    expect(await settled(mug)).toEqual({ stock: 98, reserved: 0, onHand: 98 });
    expect(await tracesOf(mug)).toEqual({ orders: [last?.id], reservations: [last?.id] });
  });
});

describe("while a request is at work", () => {
  test.each<["products" | "orders", string, string, (mug: string) => string]>([
    ["products", "updateInventory", "stock_changes", (mug) => update(mug, 2)],
    ["orders", "placeOrder", "order_lines", (mug) => place(mug, 2)],
  ])(
    "an equal one that has waited long enough for it is told to come again: %s, %s",
    async (service, field, table, documentOf) => {
      const mug = await putOnSale(shop, 5);
      const [document, by] = [documentOf(mug), { key: newKey(), token: admin.token }];
      await shop.databases.query(
        service,
        `CREATE TABLE gate (is_open boolean);
         CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           WHILE NOT EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
           RETURN NEW;
         END $$;
         CREATE TRIGGER delay BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION delay()`,
      );
      const first = send(shop, document, by);
      await eventually("it is at work", async () => {
        const sql = `SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event = 'PgSleep'`;
        return (await shop.databases.query(service, sql)).length === 1;
      });
      expect(await send(other, document, by)).toMatchObject({ code: "IDEMPOTENCY_IN_PROGRESS" });
      await shop.databases.query(service, "INSERT INTO gate VALUES (true)");
      let result = await first;
      // On a busy machine its time may be up by now; its client sends it again.
      if (result.code === "SERVICE_UNAVAILABLE") result = await send(shop, document, by);
      const answer = dataOf(result);
      expect(answer).toHaveProperty(field);
      await shop.databases.query(service, "DROP FUNCTION delay CASCADE; DROP TABLE gate");
      expect(dataOf(await send(other, document, by))).toEqual(answer);
    },
  );

  test("another input with its key is refused, however often, and the request succeeds", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: buyer.token };
    const [reserved, refused] = [
      Promise.withResolvers<undefined>(),
      Promise.withResolvers<undefined>(),
    ];
    standInFor(shop.broker, {
      "products.reserve": async (call) => {
        const answer = await call();
        reserved.resolve(undefined);
        await refused.promise;
        return answer;
      },
    });
    const first = send(shop, place(mug, 1), by);
    await reserved.promise;
    const codes = [];
    for (let n = 0; n < 2; n += 1) codes.push((await send(other, place(mug, 2), by)).code);
    refused.resolve(undefined);
    expect(codes).toEqual(["IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_MISMATCH"]);
    expect(dataOf(await first)?.placeOrder).toMatchObject({ quantity: 1 });
    expect(await settled(mug)).toEqual({ stock: 4, reserved: 0, onHand: 4 });
  });
});
