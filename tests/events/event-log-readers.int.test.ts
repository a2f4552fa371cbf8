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
import { ordersContract } from "../../services/orders/orders.contract.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/stand-ins.ts";

const dayMs = 86_400_000;
let folder: string;
let shop: TestShop;
let token: string;
let mug: string;
/** Empty ones: the reader's own is the one called orders. */
let own: TestDatabases;

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

/** The log of orders begins anew. */
beforeEach(async () => {
  await everybodyHasRead();
  await shop.databases.query(
    "orders",
    `DELETE FROM event_readers; DELETE FROM event_log;
     UPDATE event_log_head SET position = 0, pruned_to = 0`,
  );
  await shop.databases.query(
    "products",
    `DELETE FROM event_batches WHERE producer = 'orders';
     UPDATE event_cursors SET position = 0 WHERE producer = 'orders'`,
  );
});

/** Places so many orders one after the other. */
async function orders(count: number): Promise<string[]> {
  const ids = [];
  for (let n = 0; n < count; n += 1) {
    ids.push((await placeOrder(shop, token, [mug, 1])).order?.id ?? "");
  }
  return ids;
}

/** A service of a reader's own, which prints a label for each order. */
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
    { url: own.urls.orders, migrations: pathToFileURL(`${folder}/`) },
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
  await eventually("its cursor", async () => {
    return (await own.query("orders", "SELECT FROM event_cursors")).length === 1;
  });
}
const stopLabels = () => shop.broker.destroyService("labels");

const becomeLabels = (ids: string[]) =>
  eventually("the labels", async () => {
    const labels = await own.query<{ id: string }>(
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
/** Reads the log of orders; who names itself says that it has applied everything before. */
const read = (position: number, consumer?: string) =>
  shop.call<Page>("orders.eventsAfter", { position, ...(consumer && { consumer }) });

describe("a new reader", () => {
  beforeEach(async () => {
    own = await cloneDatabases({ empty: true });
  });
  afterEach(async () => {
    await stopLabels();
    await own.drop();
  });

  test("that wants all reads the log from its beginning, in order, and goes on", async () => {
    const before = await orders(4);
    await startLabels("beginning");
    await becomeLabels(before);
    const after = await orders(3);
    await becomeLabels([...before, ...after]);
    const [reader] = (await shop.call<{ readers: object[] }>("orders.outbox")).readers;
    expect(reader).toMatchObject({ consumer: "labels" });
  });

  test("that wants what comes reads nothing older, and misses nothing when it stops and starts", async () => {
    await orders(3);
    await startLabels("now");
    const first = await orders(2);
    await becomeLabels(first);
    await stopLabels();
    const meanwhile = await orders(2);
    await startLabels("now");
    const last = await orders(1);
    await becomeLabels([...first, ...meanwhile, ...last]);
  });

  test("begins behind what is pruned, and goes on from there", async () => {
    await orders(2);
    await everybodyHasRead();
    await age("position <= 2");
    await prune(dayMs);
    const kept = await orders(2);
    await startLabels("beginning");
    await becomeLabels(kept);
    const after = await orders(1);
    await becomeLabels([...kept, ...after]);
    expect(await shop.call("labels.deadLetters")).toEqual([]);
  });
});

/** Makes entries two days old. */
const age = (which: string) =>
  shop.databases.query(
    "orders",
    `UPDATE event_log SET occurred_at = occurred_at - interval '2 days' WHERE ${which}`,
  );

/** Lets another replica of orders begin, which keeps events so long, and end when it has looked. */
async function prune(keepMs: number | undefined): Promise<void> {
  const sequelize = openSequelize(shop.databases.urls.orders, 2);
  const faults: unknown[] = [];
  const log = new EventLog({
    sequelize,
    keepMs,
    onFault: (fault: unknown) => faults.push(fault),
  });
  log.start();
  await log.stop();
  await sequelize.close();
  expect(faults).toEqual([]);
}

/** The positions that are in the log. */
const positions = async () =>
  (
    await shop.databases.query<{ position: number }>(
      "orders",
      "SELECT position::int FROM event_log ORDER BY position",
    )
  ).map(({ position }) => position);

/** Waits until products has applied all events, and lets it say so. */
const everybodyHasRead = () =>
  eventually("products has read everything", async () => {
    const sql = "SELECT position::int FROM event_cursors WHERE producer = 'orders'";
    const [cursor] = await shop.databases.query<{ position: number }>("products", sql);
    const { head } = await read(cursor?.position ?? 0, "products");
    return cursor?.position === head;
  });

describe("the log is pruned", () => {
  test("of what is old and read by everybody, and says so", async () => {
    await orders(5);
    await everybodyHasRead();
    await age("position <= 3");
    await prune(dayMs);
    expect(await positions()).toEqual([4, 5]);
    const { events, head, prunedTo } = await read(0);
    expect(events.map(({ position }) => position)).toEqual([4, 5]);
    expect({ head, prunedTo }).toEqual({ head: 5, prunedTo: 3 });
    await orders(1);
    expect((await read(4)).events.map(({ position }) => position)).toEqual([5, 6]);
  });

  test("up to the first entry that is young, so that there is no gap", async () => {
    await orders(6);
    await everybodyHasRead();
    await age("position IN (1, 2, 4, 5)");
    await prune(dayMs);
    expect(await positions()).toEqual([3, 4, 5, 6]);
    await age("position = 3");
    await prune(dayMs);
    expect(await positions()).toEqual([6]);
  });

  test("not ahead of a reader, until that one is forgotten", async () => {
    await orders(5);
    await everybodyHasRead();
    await age("true");
    await read(2, "slow");
    await prune(dayMs);
    expect(await positions()).toEqual([3, 4, 5]);
    expect((await read(2)).prunedTo).toBe(2);
    const forget = () => shop.call("orders.forgetReader", { consumer: "slow" });
    expect([await forget(), await forget()]).toEqual([{ forgotten: true }, { forgotten: false }]);
    await prune(dayMs);
    expect(await positions()).toEqual([]);
    expect(await read(0)).toEqual({ events: [], head: 5, prunedTo: 5 });
    const [id] = await orders(1);
    expect((await read(5)).events).toMatchObject([{ position: 6, data: { order_id: id } }]);
  });

  test("of nothing, while nobody is known to read it", async () => {
    await orders(2);
    await everybodyHasRead();
    // Products asks now and then, and would be known again.
    standInFor(shop.broker, {
      "orders.eventsAfter": () => Promise.reject(new Error("nobody reads now")),
    });
    await shop.call("orders.forgetReader", { consumer: "products" });
    await age("true");
    await prune(dayMs);
    expect(await positions()).toEqual([1, 2]);
  });

  test("of nothing, where it is kept for ever", async () => {
    await orders(2);
    await everybodyHasRead();
    await age("true");
    await prune(undefined);
    expect(await positions()).toEqual([1, 2]);
  });

  test("by a shop that starts with EVENT_LOG_KEEP_DAYS", async () => {
    await orders(3);
    await everybodyHasRead();
    await age("position < 3");
    const keeping = await startTestShop({ EVENT_LOG_KEEP_DAYS: "3" }, shop.databases);
    await keeping.stop();
    expect(await positions()).toEqual([1, 2, 3]);
    const pruning = await startTestShop({ EVENT_LOG_KEEP_DAYS: "1" }, shop.databases);
    await pruning.stop();
    expect(await positions()).toEqual([3]);
  });
});
