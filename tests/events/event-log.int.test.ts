import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import type { EventEnvelope } from "../../core/contract.ts";
import { settledBooksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let token: string;
let emit: ServiceBroker["emit"];

beforeAll(async () => {
  shop = await startTestShop();
  ({ token } = await shop.signIn("buyer"));
  emit = shop.broker.emit.bind(shop.broker);
});
afterAll(() => shop.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

/** Replaces the broker's delivery of events. */
function interceptEvents(deliver: (event: EventEnvelope) => void): void {
  const standIn = (_type: string, event?: unknown) => {
    deliver(event as EventEnvelope);
    return Promise.resolve();
  };
  jest.spyOn(shop.broker, "emit").mockImplementation(standIn);
}

const cursorOf = async (producer: string) => {
  const sql = "SELECT position::int FROM event_cursors WHERE producer = $1";
  const [cursor] = await shop.databases.query<{ position: number }>("products", sql, [producer]);
  return cursor?.position ?? 0;
};

/** Waits until products has read all events of orders. */
const productsHasCaughtUp = () =>
  eventually("products has caught up", async () => {
    const sql = "SELECT count(*)::int AS all, max(position)::int AS last FROM event_log";
    const [log] = await shop.databases.query<{ all: number; last: number }>("orders", sql);
    expect(log).toEqual({ all: log?.last, last: await cursorOf("orders") });
    return true;
  });

const headOfOrders = async () => {
  const sql = "SELECT position::int AS head FROM event_log_head";
  const [log] = await shop.databases.query<{ head: number }>("orders", sql);
  return log?.head ?? 0;
};

/** Opens a connection to the database of orders. */
async function connect() {
  const client = new pg.Client({ connectionString: shop.databases.urls.orders });
  await client.connect();
  return client as pg.Client & { processID: number };
}

/** Makes entries that `products` does not handle. */
const entries = (count: number) =>
  JSON.stringify(
    Array.from({ length: count }, () => ({
      id: crypto.randomUUID(),
      type: "order.shipped",
      version: 1,
      data: { order_id: crypto.randomUUID(), user_id: crypto.randomUUID(), shipped_by: null },
      occurredAt: new Date().toISOString(),
    })),
  );

const order = async (product: string) => {
  const { order: placed } = await placeOrder(shop, token, [product, 1]);
  if (placed === undefined) throw new Error("the order was rejected");
  return placed;
};

const salesOf = async (product: string) =>
  (
    await shop.databases.query<{ order_id: string }>(
      "products",
      "SELECT order_id FROM stock_changes WHERE product_id = $1 AND reason = 'SOLD' ORDER BY id",
      [product],
    )
  ).map(({ order_id }) => order_id);

describe("every event has its effect once and in order if the broker", () => {
  test.each<[string, (held: EventEnvelope[]) => (event: EventEnvelope) => void]>([
    [
      "duplicates every event",
      () => (event) => {
        [1, 2].forEach(() => void emit(event.type, event));
      },
    ],
    ["loses every event", () => () => undefined],
    [
      "loses every second event",
      () => {
        let n = 0;
        return (event) => (n++ % 2 === 0 ? undefined : void emit(event.type, event));
      },
    ],
    [
      "delivers events in reverse order",
      (held) => (event) => {
        held.unshift(event);
        if (held.length < 3) return;
        for (const delayed of held.splice(0)) void emit(delayed.type, delayed);
      },
    ],
  ])("%s", async (_name, delivery) => {
    const mug = await putOnSale(shop, 20);
    interceptEvents(delivery([]));
    const placed = [];
    for (let n = 0; n < 6; n += 1) placed.push((await order(mug)).id);
    await productsHasCaughtUp();
    expect(await salesOf(mug)).toEqual(placed);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({
      stock: 14,
      reserved: 0,
      onHand: 14,
    });
  });
});

test("the events of 40 parallel orders have positions without gaps, and name the event before", async () => {
  const emitted: EventEnvelope[] = [];
  interceptEvents((event) => {
    if (event.producer === "orders") emitted.push(event);
    void emit(event.type, event);
  });
  const mug = await putOnSale(shop, 100);
  await Promise.all(Array.from({ length: 40 }, () => order(mug)));
  await productsHasCaughtUp();
  const log = await shop.databases.query<{ position: number; id: string; order_id: string }>(
    "orders",
    "SELECT position::int, id, data->>'order_id' AS order_id FROM event_log ORDER BY position",
  );
  expect(log.map(({ position }) => position)).toEqual(log.map((_row, index) => index + 1));
  const sold = await salesOf(mug);
  expect(sold).toHaveLength(40);
  expect(sold).toEqual(log.slice(-40).map(({ order_id }) => order_id));
  // Both the emitted events and those that are read from the log name it.
  const page = await shop.call<{ events: EventEnvelope[] }>("orders.eventsAfter", { position: 0 });
  expect(emitted).toHaveLength(40);
  for (const { id, position, previousId } of [...emitted, ...page.events]) {
    expect(log[position - 1]?.id).toBe(id);
    expect(previousId).toBe(log[position - 2]?.id);
  }
});

test("appending waits for the previous transaction, so that a rollback leaves no gap", async () => {
  await productsHasCaughtUp();
  const head = await headOfOrders();
  const [first, second] = [await connect(), await connect()];
  try {
    const append = "SELECT append_events($1)::int AS position";
    await first.query("BEGIN");
    expect((await first.query(append, [entries(2)])).rows).toEqual([{ position: head + 1 }]);
    const waiting = second.query(append, [entries(1)]);
    await eventually("the second transaction waits", async () => {
      const sql = "SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
      return (await shop.databases.query("orders", sql, [second.processID])).length === 1;
    });
    await first.query("ROLLBACK");
    expect((await waiting).rows).toEqual([{ position: head + 1 }]);
    expect(await headOfOrders()).toBe(head + 1);
  } finally {
    await Promise.all([first.end(), second.end()]);
  }
});

test("a consumer finds events in the log that a crashed process did not emit", async () => {
  const data = { order_id: crypto.randomUUID(), user_id: crypto.randomUUID() };
  await shop.databases.query(
    "orders",
    `INSERT INTO event_log (id, type, version, data, occurred_at)
     VALUES (gen_random_uuid(), 'order.placed', 1, $1, now())`,
    [JSON.stringify({ ...data, price_total: 1, quantity: 1, lines: [] })],
  );
  await productsHasCaughtUp();
});

test("redriving a dead letter of an unknown producer is rejected and keeps it", async () => {
  const [deadLetter] = await shop.databases.query<{ id: string }>(
    "products",
    `INSERT INTO dead_letters (id, producer, position, event, reason)
     VALUES (gen_random_uuid(), 'ghosts', 1,
             '{"producer": "ghosts", "type": "ghost.seen", "version": 1}', 'unknown')
     RETURNING id`,
  );
  await expect(shop.call("products.redrive", { id: deadLetter?.id })).rejects.toMatchObject({
    type: "BAD_USER_INPUT",
  });
  const sql = "DELETE FROM dead_letters WHERE id = $1 RETURNING id";
  expect(await shop.databases.query("products", sql, [deadLetter?.id])).toHaveLength(1);
});

describe("a dead letter, after which later events are applied, is made of", () => {
  interface DeadLetter {
    id: string;
    position: number;
    reason: string;
  }
  const deadLetters = () => shop.call<DeadLetter[]>("products.deadLetters");

  test("an event whose handler keeps failing, and redriving it applies it once", async () => {
    const [mug, cup] = [await putOnSale(shop, 2), await putOnSale(shop, 2)];
    await shop.databases.query(
      "products",
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'no sale of this' USING ERRCODE = 'XX000'; END $$;
       CREATE TRIGGER fail BEFORE INSERT ON stock_changes FOR EACH ROW
         WHEN (NEW.reason = 'SOLD' AND NEW.product_id = '${mug}') EXECUTE FUNCTION fail()`,
    );
    const [failing, other] = [await order(mug), await order(cup)];
    await productsHasCaughtUp();
    expect(await salesOf(mug)).toEqual([]);
    expect(await salesOf(cup)).toEqual([other.id]);
    const deadLetter = (await deadLetters()).at(-1);
    expect(deadLetter?.reason).toContain("no sale of this");

    const redrive = () => shop.call("products.redrive", { id: deadLetter?.id });
    await expect(redrive()).rejects.toThrow("no sale of this");
    expect(await deadLetters()).toContainEqual(deadLetter);
    await shop.databases.query("products", "DROP FUNCTION fail CASCADE");
    expect(await Promise.all([redrive(), redrive()])).toEqual(
      expect.arrayContaining([{ redriven: true }, { redriven: false }]),
    );
    expect(await salesOf(mug)).toEqual([failing.id]);
    expect(await deadLetters()).not.toContainEqual(deadLetter);
  });
});
