import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from "@jest/globals";
import { defineContract } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import { EventLog } from "../../event-log/event-log.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { preparedOn } from "../../database/statements/prepared-statements.ts";
import { ordersContract } from "../../services/orders/orders.contract.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";

const dayMs = 86_400_000;
const consumers = ["products", "webhooks"] as const;
let folder: string;
let shop: TestShop;
let token: string;
let mug: string;
/** Empty databases. The service `labels` uses the one named `orders`. */
let labelDatabases: TestDatabases;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labels-"));
  await writeFile(
    join(folder, "0001-labels.sql"),
    "CREATE TABLE labels (id uuid PRIMARY KEY, place integer GENERATED ALWAYS AS IDENTITY)",
  );
  shop = await startTestShop();
  ({ token } = await shop.signIn("buyer"));
  mug = await putOnSale(shop, 1_000);
});
afterAll(async () => {
  await shop.stop();
  await rm(folder, { recursive: true });
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** Empties the log of orders. */
beforeEach(async () => {
  await consumersHaveCaughtUp();
  await shop.databases.query(
    "orders",
    `DELETE FROM event_readers; DELETE FROM event_log;
     UPDATE event_log_head SET position = 0, pruned_to = 0`,
  );
  for (const consumer of consumers) {
    await shop.databases.query(
      consumer,
      `DELETE FROM event_batches WHERE producer = 'orders';
       UPDATE event_cursors SET position = 0 WHERE producer = 'orders'`,
    );
  }
});

/** Places orders one after the other. Returns their ids. */
async function placeOrders(count: number): Promise<string[]> {
  const ids = [];
  for (let n = 0; n < count; n += 1) {
    ids.push((await placeOrder(shop, token, [mug, 1])).order?.id ?? "");
  }
  return ids;
}

/** A service with a database of its own, which stores a label for each order. */
function labelsService(startFrom: "beginning" | "now") {
  const contract = defineContract({
    name: "labels",
    graphql: { type: "" },
    actions: {},
    events: {},
  });
  const database = openDatabase(
    contract,
    { databasePoolMax: 2, eventLogKeepMs: undefined },
    { url: labelDatabases.urls.orders, migrations: pathToFileURL(`${folder}/`) },
  );
  return defineService(contract, {
    uses: [ordersContract],
    database,
    actions: {},
    startFrom,
    consumes: {
      "order.placed": async ({ data }, { query }) => {
        await query("INSERT INTO labels (id) VALUES ($1)", [data.order_id]);
      },
    },
  });
}

async function startLabels(startFrom: "beginning" | "now"): Promise<void> {
  shop.broker.createService(labelsService(startFrom));
  await shop.broker.waitForServices("labels", 10_000, 20);
  await eventually("the service has its cursor", async () => {
    return (await labelDatabases.query("orders", "SELECT FROM event_cursors")).length === 1;
  });
}
const stopLabels = () => shop.broker.destroyService("labels");

const labelsBecome = (ids: string[]) =>
  eventually("the labels are complete", async () => {
    const labels = await labelDatabases.query<{ id: string }>(
      "orders",
      "SELECT id FROM labels ORDER BY place",
    );
    expect(labels.map(({ id }) => id)).toEqual(ids);
    return true;
  });

interface Page {
  events: { position: number }[];
  head: number;
  prunedTo: number;
}
/** Reads the log of orders. A named consumer thereby confirms all events up to `position`. */
const read = (position: number, consumer?: string) =>
  shop.call<Page>("orders.eventsAfter", { position, ...(consumer && { consumer }) });

describe("a new consumer", () => {
  beforeEach(async () => {
    labelDatabases = await cloneDatabases({ empty: true });
  });
  afterEach(async () => {
    await stopLabels();
    await labelDatabases.drop();
  });

  test('with startFrom "beginning" applies the whole log in order, and then new events', async () => {
    const before = await placeOrders(4);
    await startLabels("beginning");
    await labelsBecome(before);
    const after = await placeOrders(3);
    await labelsBecome([...before, ...after]);
    const [reader] = (await shop.call<{ readers: object[] }>("orders.outbox")).readers;
    expect(reader).toMatchObject({ consumer: "labels" });
  });

  test('with startFrom "now" applies only new events, including those logged while it is stopped', async () => {
    await placeOrders(3);
    await startLabels("now");
    const first = await placeOrders(2);
    await labelsBecome(first);
    await stopLabels();
    const meanwhile = await placeOrders(2);
    await startLabels("now");
    const last = await placeOrders(1);
    await labelsBecome([...first, ...meanwhile, ...last]);
  });

  test("starts after the pruned events", async () => {
    await placeOrders(2);
    await consumersHaveCaughtUp();
    await age("position <= 2");
    await pruneTo([]);
    const kept = await placeOrders(2);
    await startLabels("beginning");
    await labelsBecome(kept);
    const after = await placeOrders(1);
    await labelsBecome([...kept, ...after]);
    expect(await shop.call("labels.deadLetters")).toEqual([]);
  });
});

/** Makes entries two days old. */
const age = (which: string) =>
  shop.databases.query(
    "orders",
    `UPDATE event_log SET occurred_at = occurred_at - interval '2 days' WHERE ${which}`,
  );

/** Prunes the log of orders once, as a starting replica does. */
async function prune(keepMs: number | undefined): Promise<void> {
  const sequelize = openSequelize(shop.databases.urls.orders, 2);
  const faults: unknown[] = [];
  const log = new EventLog({
    sequelize,
    query: preparedOn(sequelize),
    keepMs,
    onFault: (fault: unknown) => faults.push(fault),
  });
  log.start();
  await log.stop();
  await sequelize.close();
  expect(faults).toEqual([]);
}

/**
 * Prunes until only these positions are left. A consumer that polled the log before its last batch
 * keeps that batch until its next poll.
 */
const pruneTo = (expected: number[]) =>
  eventually(`only ${JSON.stringify(expected)} are left in the log`, async () => {
    await prune(dayMs);
    expect(await positions()).toEqual(expected);
    return true;
  });

/** Returns the positions in the log. */
const positions = async () =>
  (
    await shop.databases.query<{ position: number }>(
      "orders",
      "SELECT position::int FROM event_log ORDER BY position",
    )
  ).map(({ position }) => position);

/** Waits until the consumers have applied all events, and confirms them in their name. */
async function consumersHaveCaughtUp(): Promise<void> {
  for (const consumer of consumers) {
    await eventually(`${consumer} has caught up`, async () => {
      const sql = "SELECT position::int FROM event_cursors WHERE producer = 'orders'";
      const [cursor] = await shop.databases.query<{ position: number }>(consumer, sql);
      const { head } = await read(cursor?.position ?? 0, consumer);
      return cursor?.position === head;
    });
  }
}

describe("pruning the log", () => {
  test("deletes old events that all consumers have applied, and records the position", async () => {
    await placeOrders(5);
    await consumersHaveCaughtUp();
    await age("position <= 3");
    await pruneTo([4, 5]);
    const { events, head, prunedTo } = await read(0);
    expect(events.map(({ position }) => position)).toEqual([4, 5]);
    expect({ head, prunedTo }).toEqual({ head: 5, prunedTo: 3 });
    await placeOrders(1);
    expect((await read(4)).events.map(({ position }) => position)).toEqual([5, 6]);
  });

  test("stops at the first young event, so that positions have no gap", async () => {
    await placeOrders(6);
    await consumersHaveCaughtUp();
    await age("position IN (1, 2, 4, 5)");
    await pruneTo([3, 4, 5, 6]);
    await age("position = 3");
    await pruneTo([6]);
  });

  test("keeps the events that a slow consumer has not applied, until forgetReader", async () => {
    await placeOrders(5);
    await consumersHaveCaughtUp();
    await age("true");
    await read(2, "slow");
    await pruneTo([3, 4, 5]);
    expect((await read(2)).prunedTo).toBe(2);
    const forget = () => shop.call("orders.forgetReader", { consumer: "slow" });
    await expect(forget()).rejects.toMatchObject({
      type: "BAD_USER_INPUT",
      message: expect.stringMatching(
        /^slow has read the log of orders \d+ s ago, so it may run: stop its nodes/,
      ),
    });
    await pruneTo([3, 4, 5]);
    await shop.databases.query(
      "orders",
      "UPDATE event_readers SET seen_at = seen_at - interval '61 s' WHERE consumer = 'slow'",
    );
    expect([await forget(), await forget()]).toEqual([{ forgotten: true }, { forgotten: false }]);
    await pruneTo([]);
    expect(await read(0)).toEqual({ events: [], head: 5, prunedTo: 5, previousId: null });
    const [id] = await placeOrders(1);
    expect((await read(5)).events).toMatchObject([{ position: 6, data: { order_id: id } }]);
  });

  test("keeps the events of a running consumer whose position is old, as that of a halted feed", async () => {
    await consumersHaveCaughtUp();
    await shop.databases.query("orders", "UPDATE event_readers SET seen_at = '2020-01-01'");
    await expect(shop.call("orders.forgetReader", { consumer: "products" })).rejects.toMatchObject({
      type: "BAD_USER_INPUT",
      message: "products runs and consumes the events of orders: stop its nodes first.",
    });
    const { readers } = await shop.call<{ readers: object[] }>("orders.outbox");
    expect(readers).toContainEqual(expect.objectContaining({ consumer: "products" }));
  });

  test("deletes nothing while the log has no readers", async () => {
    await placeOrders(2);
    await consumersHaveCaughtUp();
    // The consumers poll the log, and would become readers again.
    standInFor(shop.broker, {
      "orders.eventsAfter": () => Promise.reject(new Error("blocked by the test")),
    });
    // A read that had begun before makes one a reader once more.
    await eventually("the log has no reader", async () => {
      await shop.databases.query("orders", "DELETE FROM event_readers");
      const { readers } = await shop.call<{ readers: object[] }>("orders.outbox");
      return readers.length === 0;
    });
    await age("true");
    await prune(dayMs);
    expect(await positions()).toEqual([1, 2]);
  });

  test("deletes nothing without a retention time", async () => {
    await placeOrders(2);
    await consumersHaveCaughtUp();
    await age("true");
    await prune(undefined);
    expect(await positions()).toEqual([1, 2]);
  });

  test("happens at the start of a shop with EVENT_LOG_KEEP_DAYS", async () => {
    await placeOrders(3);
    await consumersHaveCaughtUp();
    await age("position < 3");
    await eventually("all readers have read the old events", async () => {
      const sql = "SELECT FROM event_readers WHERE position < 2";
      return (await shop.databases.query("orders", sql)).length === 0;
    });
    const keeping = await startTestShop({ EVENT_LOG_KEEP_DAYS: "3" }, shop.databases);
    await keeping.stop();
    expect(await positions()).toEqual([1, 2, 3]);
    // A consumer that has not read before becomes a reader at the start of a shop; the next one prunes.
    await eventually("the old events are pruned", async () => {
      const pruning = await startTestShop({ EVENT_LOG_KEEP_DAYS: "1" }, shop.databases);
      await pruning.stop();
      expect(await positions()).toEqual([3]);
      return true;
    });
  });
});
