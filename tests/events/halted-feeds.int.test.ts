import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { defineContract, event, type Contract } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { id } from "../../core/validation.ts";
import type { Outbox } from "../../event-log/log-progress.ts";
import type { Reconciliation } from "../../event-log/reconciliation/reconcile.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import { ordersContract } from "../../services/orders/orders.contract.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

// The service `labels` stores a label for each event of orders that it knows. Two shops run on the
// same databases, each with a node of `labels`: an old one, and one that also knows `order.painted`.

/** The contract of orders in a later version. */
const laterContract = {
  ...ordersContract,
  events: {
    ...ordersContract.events,
    "order.painted": event<{ order_id: string }>(1, { order_id: id() }),
  },
};

let folder: string;
let shop: TestShop;
let laterShop: TestShop;
let labelDatabases: TestDatabases;
let token: string;
let mug: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labels-"));
  await writeFile(
    join(folder, "0001-labels.sql"),
    `CREATE TABLE labels (id uuid, type text, place integer GENERATED ALWAYS AS IDENTITY)`,
  );
  shop = await startTestShop();
  laterShop = await startTestShop({}, shop.databases);
  labelDatabases = await cloneDatabases({ empty: true });
  ({ token } = await shop.signIn("buyer"));
  mug = await putOnSale(shop, 1_000);
});
afterAll(async () => {
  await laterShop.stop();
  await shop.stop();
  await labelDatabases.drop();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  await stopLabels(shop);
  await stopLabels(laterShop);
  await labelDatabases.drop();
  labelDatabases = await cloneDatabases({ empty: true });
});

function labelsService(producer: Contract) {
  const contract = defineContract({ name: "labels", actions: {}, events: {} });
  const database = openDatabase(
    contract,
    { databasePoolMax: 2, eventLogKeepMs: undefined },
    { url: labelDatabases.urls.orders, migrations: pathToFileURL(`${folder}/`) },
  );
  const label = {
    async handleBatch(
      events: { id: string; type: string }[],
      { query }: { query: (sql: string, bind: unknown[]) => Promise<object[]> },
    ) {
      for (const one of events) {
        await query("INSERT INTO labels (id, type) VALUES ($1, $2)", [one.id, one.type]);
      }
    },
  };
  return defineService(contract, {
    uses: [producer as typeof laterContract],
    database,
    actions: {},
    startFrom: "now",
    consumes: Object.fromEntries(Object.keys(producer.events).map((type) => [type, label])),
  });
}

async function startLabels({ broker }: TestShop, producer: Contract): Promise<void> {
  broker.createService(labelsService(producer));
  await broker.waitForServices("labels", 10_000, 20);
  await eventually("the service has its cursor", async () => {
    return (await labelDatabases.query("orders", "SELECT FROM event_cursors")).length === 1;
  });
}

async function stopLabels({ broker }: TestShop): Promise<void> {
  if ((broker.getLocalService("labels") as unknown) !== undefined) {
    await broker.destroyService("labels");
  }
}

/** Places orders one after the other. */
async function placeOrders(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const { order } = await placeOrder(shop, token, [mug, 1]);
    if (order === undefined) throw new Error("the order was rejected");
  }
}

/** Writes an event that no node of the shop knows to the log of orders. */
const paint = (version = 1) =>
  shop.databases.query(
    "orders",
    `INSERT INTO event_log (id, type, version, data, occurred_at)
     VALUES (gen_random_uuid(), 'order.painted', ${version},
       jsonb_build_object('order_id', gen_random_uuid()), now())`,
  );

const log = () =>
  shop.databases.query<{ id: string; type: string; position: number; order: string }>(
    "orders",
    `SELECT id, type, position::int, data ->> 'order_id' AS order FROM event_log ORDER BY position`,
  );
const labels = () =>
  labelDatabases.query<{ id: string; type: string }>(
    "orders",
    "SELECT id, type FROM labels ORDER BY place",
  );

/** Waits until the labels are those of these events, in their order. */
const labelsBecome = (events: { id: string; type: string }[]) =>
  eventually("the labels are complete", async () => {
    expect(await labels()).toEqual(events.map((one) => ({ id: one.id, type: one.type })));
    return true;
  });

const reconcile = (consumer: string, params: { continueFrom?: string } = {}, of = shop) =>
  of.call<Reconciliation>(`${consumer}.reconcile`, { producer: "orders", ...params });

/** Waits until a consumer has halted for a reason, and returns the difference. */
const halted = (consumer: string, halt: Reconciliation["halt"]) =>
  eventually(`${consumer} has halted`, async () => {
    const difference = await reconcile(consumer);
    return difference.halt === halt && difference;
  });

describe("an event of an unknown type or version", () => {
  test("waits for a node that knows it, with the events behind it, and each is applied once", async () => {
    const from = (await log()).length;
    await startLabels(shop, ordersContract);
    await placeOrders(2);
    await paint();
    await placeOrders(2);
    const { position, unknown } = await halted("labels", "unknown_type");
    expect(unknown).toMatchObject({ type: "order.painted", version: 1, position: from + 3 });
    expect(position).toBe(from + 2);
    await labelsBecome((await log()).slice(from, from + 2));
    await startLabels(laterShop, laterContract);
    await labelsBecome((await log()).slice(from));
    // Both nodes run: each event is applied once, also behind further unknown ones.
    await paint();
    await placeOrders(2);
    await labelsBecome((await log()).slice(from));
    expect(await shop.call("labels.deadLetters")).toEqual([]);
    const batches = await labelDatabases.query<{ first: number; last: number }>(
      "orders",
      `SELECT first_position::int AS first, last_position::int AS last FROM event_batches
       ORDER BY first_position`,
    );
    const positions = batches.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, n) => first + n),
    );
    expect(positions).toEqual((await log()).slice(from).map((one) => one.position));
  });

  test("becomes a dead letter only by reconcile, which is recorded", async () => {
    await startLabels(shop, ordersContract);
    const from = (await log()).length;
    await paint(7);
    await placeOrders(1);
    await halted("labels", "unknown_type");
    await expect(reconcile("labels", { continueFrom: "head" })).rejects.toMatchObject({
      type: "BAD_USER_INPUT",
    });
    const { continuesAfter, earlier } = await reconcile("labels", { continueFrom: "next" });
    expect(continuesAfter).toBe(from + 1);
    expect(earlier).toMatchObject([
      { continueFrom: "next", fromPosition: from, toPosition: from + 1, lost: 0 },
    ]);
    await labelsBecome((await log()).slice(from + 1));
    expect(await shop.call("labels.deadLetters")).toMatchObject([
      { event: { type: "order.painted", version: 7 }, position: from + 1 },
    ]);
    await expect(reconcile("labels", { continueFrom: "next" })).rejects.toMatchObject({
      type: "BAD_USER_INPUT",
      data: { fields: [{ message: "This node knows the next event." }] },
    });
  });

  test("halts products and webhooks, which continue when an operator decides so", async () => {
    for (const consumer of ["products", "webhooks"]) {
      await halted(consumer, "unknown_type");
      await eventually("the consumer has caught up", async () => {
        const { position, head, unknown } = await reconcile(consumer);
        if (unknown !== null) await reconcile(consumer, { continueFrom: "next" });
        return position === head;
      });
    }
  });
});

describe("after the database of orders was set back", () => {
  /** Loses the newest events of the log, like a restore of the database. */
  const setBack = (lost: number) =>
    shop.databases.query(
      "orders",
      `DELETE FROM event_log WHERE position > (SELECT position - ${lost} FROM event_log_head);
       UPDATE event_log_head SET position = position - ${lost}`,
    );

  /** Starts labels, lets all consumers apply six events, and loses four of them. */
  async function loseFour() {
    await startLabels(shop, ordersContract);
    const from = (await log()).length;
    await placeOrders(6);
    const before = (await log()).slice(from);
    await labelsBecome(before);
    for (const consumer of ["products", "webhooks"]) {
      await eventually(`${consumer} has applied them, or is halted`, async () => {
        const { position, head, halt } = await reconcile(consumer);
        return position === head || halt === "set_back";
      });
    }
    await setBack(4);
    return { from, before };
  }

  test("a consumer halts, and continues from the last common event by reconcile", async () => {
    const { from, before } = await loseFour();
    await placeOrders(5);
    await halted("labels", "set_back");
    await placeOrders(1);
    const difference = await reconcile("labels");
    expect(difference).toMatchObject({
      halt: "set_back",
      position: from + 6,
      head: from + 8,
      lastCommon: from + 2,
      lost: 4,
      notApplied: 6,
      continuesAfter: null,
      earlier: [],
    });
    const lostOrders = before.slice(2).map((one) => ({
      id: one.id,
      type: "order.placed",
      entityId: one.order,
    }));
    expect(difference.lostEvents).toEqual(lostOrders);
    await labelsBecome(before);
    const { readers } = await shop.call<Outbox>("orders.outbox");
    expect(readers.find(({ consumer }) => consumer === "labels")).toMatchObject({
      position: from + 6,
      behind: null,
      halt: "set_back",
    });
    // The new events must not be pruned before they are applied.
    const confirmed = "SELECT position::int FROM event_readers WHERE consumer = 'labels'";
    expect(await shop.databases.query("orders", confirmed)).toEqual([{ position: 0 }]);
    const { continuesAfter } = await reconcile("labels", { continueFrom: "common" });
    expect(continuesAfter).toBe(from + 2);
    await labelsBecome([...before, ...(await log()).slice(from + 2)]);
    const lost = await labelDatabases.query(
      "orders",
      "SELECT lost_event_ids AS ids FROM event_reconciliations",
    );
    expect(lost).toEqual([{ ids: before.slice(2).map((one) => one.id) }]);
    expect((await reconcile("labels")).earlier).toMatchObject([
      {
        continueFrom: "common",
        fromPosition: from + 6,
        toPosition: from + 2,
        lost: 4,
        lostEvents: lostOrders,
      },
    ]);
    await placeOrders(1);
    await labelsBecome([...before, ...(await log()).slice(from + 2)]);
    expect(await reconcile("labels")).toMatchObject({ halt: null, lost: 0, notApplied: 0 });
  });

  test("reconcile can continue from the head, without the present log", async () => {
    const { from, before } = await loseFour();
    await placeOrders(3);
    await halted("labels", "set_back");
    await reconcile("labels", { continueFrom: "head" });
    await placeOrders(2);
    await labelsBecome([...before, ...(await log()).slice(from + 5)]);
  });

  test("products and webhooks halt too, and continue by reconcile", async () => {
    for (const consumer of ["products", "webhooks"]) {
      await halted(consumer, "set_back");
      await reconcile(consumer, { continueFrom: "common" });
      await eventually("the consumer has caught up", async () => {
        const { position, head, halt } = await reconcile(consumer);
        return position === head && halt === null;
      });
    }
    const sold = await shop.databases.query(
      "products",
      `SELECT order_id FROM stock_changes WHERE reason = 'SOLD' GROUP BY order_id
       HAVING count(*) > 1`,
    );
    expect(sold).toEqual([]);
  });

  test("a rebuild makes a read model equal to the producer, and its feed continues", async () => {
    const { id: lost } = await shop.signIn("lost");
    const difference = () => shop.call<Reconciliation>("orders.reconcile", { producer: "users" });
    await eventually("orders has applied all events of users", async () => {
      const { position, head } = await difference();
      return position === head;
    });
    await shop.databases.query(
      "users",
      `DELETE FROM event_log WHERE position = (SELECT position FROM event_log_head);
       UPDATE event_log_head SET position = position - 1`,
    );
    await eventually("orders has halted", async () => (await difference()).halt === "set_back");
    const known = "SELECT FROM known_users WHERE id = $1";
    expect(await shop.databases.query("orders", known, [lost])).toHaveLength(1);
    await shop.call("orders.rebuild", { producer: "users" });
    await eventually("orders has applied the log again", async () => {
      const { halt, position, head } = await difference();
      return halt === null && position === head;
    });
    expect(await shop.databases.query("orders", known, [lost])).toEqual([]);
    expect((await difference()).earlier).toMatchObject([
      {
        continueFrom: "rebuild",
        lost: 1,
        lostEvents: [{ type: "user.registered", entityId: lost }],
      },
    ]);
  });

  test("reconcile rejects what it cannot do", async () => {
    const rejected = (call: Promise<unknown>, field: string) =>
      expect(call).rejects.toMatchObject({ type: "BAD_USER_INPUT", data: { fields: [{ field }] } });
    await rejected(shop.call("products.reconcile", { producer: "ghosts" }), "producer");
    for (const continueFrom of ["common", "head", "next"]) {
      await rejected(reconcile("products", { continueFrom }), "continueFrom");
    }
    await rejected(reconcile("products", { continueFrom: "now" }), "continueFrom");
  });
});
