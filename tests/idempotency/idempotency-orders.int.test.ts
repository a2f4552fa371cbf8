import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { booksOf, expireReservations, settledBooksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";

const { cancelOrder, placeOrder, updateInventory } = mutations;

/** Reservations expire only when a test makes them expire, however slow the machine is. */
const env = { RESERVATION_TTL_SECONDS: "3600" };
let shop: TestShop;
/** A second gateway with replicas of all services, on the same databases. */
let replica: TestShop;
let buyer: { id: string; token: string };
let admin: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop(env);
  replica = await startTestShop(env, shop.databases);
  buyer = await shop.signIn("buyer");
  admin = await shop.signIn("admin", 1);
});
afterAll(async () => {
  await replica.stop();
  await shop.stop();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const books = (product: string) => booksOf(shop.databases, product);
const settled = (product: string) => settledBooksOf(shop.databases, product);

/** Sends a document several times in parallel, alternately to both gateways. */
const sendInParallel = (times: number, document: string, by: { key: string; token: string }) =>
  Promise.all(Array.from({ length: times }, (_, n) => send(n % 2 ? replica : shop, document, by)));

/** Returns the ids of a product's orders and of its remaining reservations. */
async function orderAndReservationIds(product: string) {
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

describe("duplicate requests over two gateways", () => {
  test("fifty duplicates of an order place one order, with equal responses", async () => {
    const mug = await putOnSale(shop, 100);
    const answers = await sendInParallel(50, placeOrder(mug, 3), {
      key: newKey(),
      token: buyer.token,
    });
    const [first, ...others] = answers.map(dataOf);
    expect(first?.placeOrder).toMatchObject({ user_id: buyer.id, price_total: 15, quantity: 3 });
    for (const answer of others) expect(answer).toEqual(first);
    expect(await settled(mug)).toEqual({ stock: 97, reserved: 0, onHand: 97 });
    const id = first?.placeOrder?.id;
    expect(await orderAndReservationIds(mug)).toEqual({ orders: [id], reservations: [id] });
  });

  test("twenty duplicates of an order for the last piece all return the same order", async () => {
    const mug = await putOnSale(shop, 1);
    const answers = await sendInParallel(20, placeOrder(mug, 1), {
      key: newKey(),
      token: buyer.token,
    });
    const orders = answers.map((answer) => dataOf(answer)?.placeOrder?.id);
    expect(new Set(orders).size).toBe(1);
    expect(await settled(mug)).toEqual({ stock: 0, reserved: 0, onHand: 0 });
  });

  test("ten orders with one key and different inputs place one; the rest get IDEMPOTENCY_MISMATCH", async () => {
    const mug = await putOnSale(shop, 100);
    const by = { key: newKey(), token: buyer.token };
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        send(n % 2 ? replica : shop, placeOrder(mug, n + 1), by),
      ),
    );
    const placed = answers.flatMap(({ data }) => data?.placeOrder ?? []);
    expect(placed).toHaveLength(1);
    const codes = answers.flatMap(({ code }) => code ?? []);
    expect(codes).toEqual(codes.map(() => "IDEMPOTENCY_MISMATCH"));
    const stock = 100 - (placed[0] as { quantity: number }).quantity;
    expect(await settled(mug)).toEqual({ stock, reserved: 0, onHand: stock });
  });

  test("ten duplicates of a stock change or of a cancellation have one effect", async () => {
    const mug = await putOnSale(shop, 10);
    const asAdmin = () => ({ key: newKey(), token: admin.token });
    for (const answer of await sendInParallel(10, updateInventory(mug, 1, 5), asAdmin())) {
      expect(dataOf(answer)?.updateInventory).toEqual({ success: true });
    }
    expect(await books(mug)).toEqual({ stock: 15, reserved: 0, onHand: 15 });
    const { id } = dataOf(await send(shop, placeOrder(mug, 4), asAdmin()))?.placeOrder ?? {};
    for (const answer of await sendInParallel(10, cancelOrder(String(id)), asAdmin())) {
      expect(dataOf(answer)?.cancelOrder).toEqual({ id, status: "CANCELLED" });
    }
    await eventually("the order is restocked", async () => (await books(mug)).stock === 15);
    expect(await books(mug)).toEqual({ stock: 15, reserved: 0, onHand: 15 });
  });
});

describe("a stalled attempt", () => {
  test("places no order after a retry was answered with a client error", async () => {
    const mug = await putOnSale(shop, 1);
    const by = { key: newKey(), token: buyer.token };
    const stall = Promise.withResolvers<undefined>();
    let isStalled = false;
    standInFor(shop.broker, {
      "products.reserve": async (call) => {
        isStalled = true;
        await stall.promise;
        return call();
      },
    });
    const stalled = send(shop, placeOrder(mug, 1), by);
    await eventually("the first attempt is about to reserve", () => isStalled);
    dataOf(await send(replica, updateInventory(mug, 2, 1), { key: newKey(), token: admin.token }));
    expect((await send(replica, placeOrder(mug, 1), by)).code).toBe("OUT_OF_STOCK");
    dataOf(await send(replica, updateInventory(mug, 1, 1), { key: newKey(), token: admin.token }));
    stall.resolve(undefined);
    expect((await stalled).code).toBe("IDEMPOTENCY_IN_PROGRESS");
    expect(await settled(mug)).toEqual({ stock: 1, reserved: 0, onHand: 1 });
    expect((await orderAndReservationIds(mug)).orders).toEqual([]);
    jest.restoreAllMocks();
    const retried = await send(replica, placeOrder(mug, 1), by);
    expect(dataOf(retried)?.placeOrder).toMatchObject({ quantity: 1 });
    expect((await orderAndReservationIds(mug)).orders).toEqual([retried.data?.placeOrder?.id]);
  });
});

describe("a retried order is placed once", () => {
  test("if its response was lost after the commit", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: buyer.token };
    let lostResult: unknown;
    standInFor(shop.broker, {
      "orders.place": async (call) => {
        lostResult = await call();
        throw new Error("the connection was lost");
      },
    });
    expect((await send(shop, placeOrder(mug, 2), by)).code).toBe("INTERNAL_SERVER_ERROR");
    jest.restoreAllMocks();
    for (const target of [shop, replica]) {
      expect(dataOf(await send(target, placeOrder(mug, 2), by))?.placeOrder).toEqual(lostResult);
    }
    expect(await settled(mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
  });

  test("if its commit failed", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: buyer.token };
    await shop.databases.query(
      "orders",
      `CREATE FUNCTION fail_commit() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN RAISE EXCEPTION 'no commit today' USING ERRCODE = 'XX000'; END $$;
       CREATE CONSTRAINT TRIGGER fail_commit AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION fail_commit()`,
    );
    const warning = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    expect((await send(shop, placeOrder(mug, 2), by)).code).toBe("INTERNAL_SERVER_ERROR");
    warning.mockRestore();
    await shop.databases.query("orders", "DROP FUNCTION fail_commit CASCADE");
    expect(await books(mug)).toEqual({ stock: 5, reserved: 0, onHand: 5 });
    const placed = dataOf(await send(replica, placeOrder(mug, 2), by));
    expect(dataOf(await send(shop, placeOrder(mug, 2), by))).toEqual(placed);
    expect((await orderAndReservationIds(mug)).orders).toEqual([placed?.placeOrder?.id]);
    expect(await settled(mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
  });

  /** Places an order that fails after its stock is reserved. Returns the reserved order id. */
  async function dieAfterReserving(product: string, by: { key: string; token: string }) {
    let reservedId = "";
    standInFor(shop.broker, {
      "products.reserve": async (call, params) => {
        await call();
        reservedId = (params as { order_id: string }).order_id;
        throw new Error("the process died");
      },
    });
    expect((await send(shop, placeOrder(product, 2), by)).code).toBe("INTERNAL_SERVER_ERROR");
    jest.restoreAllMocks();
    expect(await books(product)).toMatchObject({ reserved: 2 });
    return reservedId;
  }

  test("with the same order id if its process died after it reserved the stock", async () => {
    const mug = await putOnSale(shop, 2);
    const by = { key: newKey(), token: buyer.token };
    const id = await dieAfterReserving(mug, by);
    expect(dataOf(await send(replica, placeOrder(mug, 2), by))?.placeOrder?.id).toBe(id);
    expect(await settled(mug)).toEqual({ stock: 0, reserved: 0, onHand: 0 });
  });

  test("with a new order id if its reservation expired, however many retries arrive", async () => {
    const mug = await putOnSale(shop, 100);
    const by = { key: newKey(), token: buyer.token };
    const id = await dieAfterReserving(mug, by);
    await expireReservations(shop.databases);
    await eventually("the reservation is released", async () => (await books(mug)).reserved === 0);
    const answers = await sendInParallel(12, placeOrder(mug, 2), by);
    for (const { code } of answers) expect([undefined, "IDEMPOTENCY_IN_PROGRESS"]).toContain(code);
    const last = dataOf(await send(shop, placeOrder(mug, 2), by))?.placeOrder;
    for (const { data } of answers) expect(data?.placeOrder ?? last).toEqual(last);
    expect(last?.id).not.toBe(id);
    expect(await settled(mug)).toEqual({ stock: 98, reserved: 0, onHand: 98 });
    expect(await orderAndReservationIds(mug)).toEqual({
      orders: [last?.id],
      reservations: [last?.id],
    });
  });
});

describe("while a request is in progress", () => {
  test.each<["products" | "orders", string, string, (mug: string) => string]>([
    ["products", "updateInventory", "stock_changes", (mug) => updateInventory(mug, 1, 2)],
    ["orders", "placeOrder", "order_lines", (mug) => placeOrder(mug, 2)],
  ])(
    "a duplicate request returns IDEMPOTENCY_IN_PROGRESS after a wait: %s, %s",
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
      await eventually("the first request is in progress", async () => {
        const sql = `SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event = 'PgSleep'`;
        return (await shop.databases.query(service, sql)).length === 1;
      });
      expect(await send(replica, document, by)).toMatchObject({ code: "IDEMPOTENCY_IN_PROGRESS" });
      await shop.databases.query(service, "INSERT INTO gate VALUES (true)");
      let result = await first;
      // On a busy machine its deadline may have passed; the client then retries.
      if (result.code === "SERVICE_UNAVAILABLE") result = await send(shop, document, by);
      const answer = dataOf(result);
      expect(answer).toHaveProperty(field);
      await shop.databases.query(service, "DROP FUNCTION delay CASCADE; DROP TABLE gate");
      expect(dataOf(await send(replica, document, by))).toEqual(answer);
    },
  );

  test("the same key with another input is rejected, and the first request succeeds", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: buyer.token };
    const reserved = Promise.withResolvers<undefined>();
    const mismatchSeen = Promise.withResolvers<undefined>();
    standInFor(shop.broker, {
      "products.reserve": async (call) => {
        const answer = await call();
        reserved.resolve(undefined);
        await mismatchSeen.promise;
        return answer;
      },
    });
    const first = send(shop, placeOrder(mug, 1), by);
    await reserved.promise;
    const codes = [];
    for (let n = 0; n < 2; n += 1) codes.push((await send(replica, placeOrder(mug, 2), by)).code);
    mismatchSeen.resolve(undefined);
    expect(codes).toEqual(["IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_MISMATCH"]);
    expect(dataOf(await first)?.placeOrder).toMatchObject({ quantity: 1 });
    expect(await settled(mug)).toEqual({ stock: 4, reserved: 0, onHand: 4 });
  });
});
