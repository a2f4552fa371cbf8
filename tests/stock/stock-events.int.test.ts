import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { AuditEntry } from "../../core/audit.ts";
import type { LogFields } from "../../core/logging/log-fields.ts";
import { eventually } from "../../tools/support/eventually.ts";
import type { Product, ReservationTrace } from "../../services/products/products.contract.ts";
import {
  booksOf,
  booksThatDiffer,
  expireReservations,
  settledBooksOf,
} from "../support/consistency/books.ts";
import { placeOrder } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let buyer: { id: string; token: string };
/** The events about stock that the broker has delivered, by product. */
const delivered: { id: string; position: number }[] = [];

beforeAll(async () => {
  shop = await startTestShop({ RESERVATION_TTL_SECONDS: "3600" });
  buyer = await shop.signIn("buyer");
  shop.broker.createService({
    name: "listener",
    events: {
      "inventory.depleted": (ctx: { params: (typeof delivered)[number] }) => {
        delivered.push(ctx.params);
      },
    },
  });
});
afterAll(async () => {
  const differing = await booksThatDiffer(shop.databases);
  await shop.stop();
  expect(differing).toEqual([]);
});

let products = 0;

async function productWith(stock: number, hasSku = true): Promise<Product> {
  products += 1;
  return shop.call("products.create", {
    name: "Mug",
    description: "",
    price: 5,
    stock,
    ...(hasSku && { sku: `MUG-${products}` }),
  });
}

/** Returns the events about the stock of a product that reached or left 0, oldest first. */
async function crossingsOf({ id }: Product): Promise<unknown[]> {
  const rows = await shop.databases.query<{ type: string; data: object }>(
    "products",
    `SELECT type, data FROM event_log WHERE type IN ('inventory.depleted', 'inventory.replenished')
       AND data ->> 'product_id' = $1 ORDER BY position`,
    [id],
  );
  return rows.map(({ type, data }) => ({ type, ...data }));
}

const depleted = ({ id, sku }: Product) => ({ type: "inventory.depleted", product_id: id, sku });
const replenished = ({ id, sku }: Product, stock: number) => ({
  type: "inventory.replenished",
  product_id: id,
  sku,
  stock,
});

async function reserve({ id }: Product, quantity: number): Promise<string> {
  const order_id = randomUUID();
  await shop.call("products.reserve", { order_id, lines: [{ product_id: id, quantity }] });
  return order_id;
}

const changeStock = ({ id }: Product, type: number, number: number) =>
  shop.call("products.updateInventory", { id, type, number });

describe("inventory.depleted", () => {
  test("is recorded and delivered when a reservation takes the last piece", async () => {
    const mug = await productWith(3);
    await reserve(mug, 1);
    expect(await crossingsOf(mug)).toEqual([]);
    await reserve(mug, 2);
    expect(await crossingsOf(mug)).toEqual([depleted(mug)]);
    const [entry] = await shop.databases.query<{ id: string; position: string }>(
      "products",
      "SELECT id, position FROM event_log WHERE type = 'inventory.depleted' ORDER BY position DESC",
    );
    expect(entry?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
    await eventually("the event", () => delivered.some(({ id }) => id === entry?.id));
    const event = delivered.find(({ id }) => id === entry?.id);
    expect(event).toMatchObject({
      type: "inventory.depleted",
      version: 1,
      producer: "products",
      position: Number(entry?.position),
      data: { product_id: mug.id, sku: mug.sku },
    });
  });

  test("is recorded once for each product of a batch of reservations", async () => {
    const [mug, cup, jug] = [
      await productWith(40),
      await productWith(4, false),
      await productWith(9),
    ];
    await Promise.allSettled([
      ...Array.from({ length: 45 }, () => reserve(mug, 1)),
      ...Array.from({ length: 2 }, () => reserve(cup, 2)),
      reserve(jug, 8),
    ]);
    expect(await crossingsOf(mug)).toEqual([depleted(mug)]);
    expect(await crossingsOf(cup)).toEqual([depleted(cup)]);
    expect(await crossingsOf(jug)).toEqual([]);
  });

  test("is recorded when an admin subtracts the last piece", async () => {
    const mug = await productWith(3);
    await changeStock(mug, 2, 2);
    await changeStock(mug, 2, 1);
    expect(await crossingsOf(mug)).toEqual([depleted(mug)]);
  });

  test("is not recorded for a new product without stock, a rejection or a deletion", async () => {
    const [mug, cup] = [await productWith(0), await productWith(1)];
    await expect(reserve(mug, 1)).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
    await changeStock(cup, 3, 0);
    expect([await crossingsOf(mug), await crossingsOf(cup)]).toEqual([[], []]);
  });
});

describe("inventory.replenished", () => {
  test("is recorded when pieces are added to a product without stock", async () => {
    const mug = await productWith(0);
    await changeStock(mug, 1, 5);
    await changeStock(mug, 1, 5);
    expect(await crossingsOf(mug)).toEqual([replenished(mug, 5)]);
  });

  test("is recorded when expired reservations are released", async () => {
    const mug = await productWith(3);
    await reserve(mug, 1);
    await reserve(mug, 2);
    await expireReservations(shop.databases);
    await eventually("the release", async () => (await crossingsOf(mug)).length > 1);
    const [first, second] = await crossingsOf(mug);
    expect([first, second]).toEqual([depleted(mug), expect.objectContaining({ sku: mug.sku })]);
    expect((await settledBooksOf(shop.databases, mug.id)).stock).toBe(3);
    expect(await crossingsOf(mug)).toHaveLength(2);
  });

  test("is recorded when an order is cancelled, in the trace of the cancellation", async () => {
    const mug = await productWith(2);
    const { order } = await placeOrder(shop, buyer.token, [mug.id, 2]);
    await settledBooksOf(shop.databases, mug.id);
    await shop.call("orders.cancel", { id: order?.id });
    await eventually("the cancellation", async () => (await crossingsOf(mug)).length > 1);
    expect(await crossingsOf(mug)).toEqual([depleted(mug), replenished(mug, 2)]);
    const events = await shop.databases.query<{ type: string; traceparent: string }>(
      "products",
      `SELECT type, traceparent FROM event_log WHERE data ->> 'product_id' = $1
       ORDER BY position DESC LIMIT 2`,
      [mug.id],
    );
    expect(events.map(({ type }) => type)).toEqual(["inventory.replenished", "inventory.updated"]);
    expect(events[0]?.traceparent).toBe(events[1]?.traceparent);
  });

  test("is not recorded for a product that was deleted meanwhile", async () => {
    const mug = await productWith(2);
    const { order } = await placeOrder(shop, buyer.token, [mug.id, 2]);
    await settledBooksOf(shop.databases, mug.id);
    await changeStock(mug, 3, 0);
    await shop.call("orders.cancel", { id: order?.id });
    await eventually("the cancellation", async () => {
      return (await settledBooksOf(shop.databases, mug.id)).onHand === 2;
    });
    expect(await crossingsOf(mug)).toEqual([depleted(mug)]);
  });
});

describe("an order whose reservation was lost", () => {
  let mug: string;
  let cup: string;
  beforeAll(async () => {
    mug = (await productWith(5)).id;
    cup = (await productWith(100)).id;
  });
  const redrive = (id: string) => shop.call("products.redrive", { id });

  /** Writes an event about an order that products does not know to the log of orders. */
  async function insertEvent(type: string, order_id: string, quantity: number, product_id = mug) {
    const id = randomUUID();
    const lines = [{ product_id, quantity, price: 5 }];
    const user_id = buyer.id;
    const data = { order_id, user_id, cancelled_by: user_id, price_total: 5, quantity, lines };
    await shop.databases.query(
      "orders",
      "INSERT INTO event_log (id, type, version, data, occurred_at) VALUES ($1, $2, 1, $3, now())",
      [id, type, JSON.stringify(data)],
    );
    return id;
  }
  const insertPlaced = (orderId: string, quantity: number, productId = mug) =>
    insertEvent("order.placed", orderId, quantity, productId);

  /** Waits for a dead letter. A further order makes products read the log. */
  async function deadLetterOf(id: string): Promise<void> {
    await placeOrder(shop, buyer.token, [cup, 1]);
    await eventually("the dead letter", async () => {
      const letters = await shop.call<{ id: string }[]>("products.deadLetters");
      return letters.some((letter) => letter.id === id);
    });
  }

  test("becomes a dead letter at once, without a fault of the feed", async () => {
    const { logger } = shop.broker.getLocalService("products");
    const warn = jest.spyOn(logger, "warn");
    const error = jest.spyOn(logger, "error");
    const orderIds = Array.from({ length: 30 }, () => randomUUID());
    const ids: string[] = [];
    for (const orderId of orderIds) ids.push(await insertPlaced(orderId, 1));
    await placeOrder(shop, buyer.token, [mug, 1]);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 4, reserved: 0, onHand: 4 });
    const letters = await shop.call<{ id: string; reason: string }[]>("products.deadLetters");
    const reasons = new Map(letters.map(({ id, reason }) => [id, reason]));
    expect(ids.map((id) => reasons.get(id))).toEqual(
      orderIds.map((orderId) => `nothing was reserved for order ${orderId}`),
    );
    expect(error).not.toHaveBeenCalled();
    const lines = warn.mock.calls as unknown as [LogFields, string][];
    const text = `products has moved order.placed ${ids[0] ?? ""} of orders to its dead letters`;
    const line = lines.find(([, message]) => message.startsWith(text));
    expect(line?.[0].fields).toMatchObject({ event: ids[0], type: "order.placed" });
    jest.restoreAllMocks();
  });

  test("takes the stock by redrive, if there is enough", async () => {
    const orderId = randomUUID();
    const [enough, tooMany] = [await insertPlaced(orderId, 3), await insertPlaced(randomUUID(), 2)];
    const unknown = await insertPlaced(randomUUID(), 1, randomUUID());
    await deadLetterOf(unknown);
    expect(await redrive(enough)).toEqual({ redriven: true });
    expect(await booksOf(shop.databases, mug)).toEqual({ stock: 1, reserved: 0, onHand: 1 });
    expect(await shop.call("products.traceOrder", { id: orderId })).toMatchObject({
      reservation: { state: "SOLD" },
      ledger: [{ product_id: mug, change: -3, reason: "SOLD" }],
      events: [{ type: "inventory.updated", data: { change: "SOLD", number: -3 } }],
    });
    await expect(redrive(tooMany)).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
    await expect(redrive(unknown)).rejects.toMatchObject({ type: "PRODUCT_NOT_FOUND" });
    await deadLetterOf(tooMany);
    expect(await redrive(enough)).toEqual({ redriven: false });
  });

  test("takes nothing by redrive after its cancellation", async () => {
    const orderId = randomUUID();
    const id = await insertPlaced(orderId, 1);
    await insertEvent("order.cancelled", orderId, 1);
    await deadLetterOf(id);
    await eventually("the cancellation is applied", async () => {
      const params = { id: orderId };
      const { reservation } = await shop.call<ReservationTrace>("products.traceOrder", params);
      return reservation?.state === "CANCELLED";
    });
    expect(await redrive(id)).toEqual({ redriven: true });
    expect(await booksOf(shop.databases, mug)).toEqual({ stock: 1, reserved: 0, onHand: 1 });
  });

  test("is never applied after discard, which is audited", async () => {
    const id = await insertPlaced(randomUUID(), 1);
    await deadLetterOf(id);
    expect(await shop.call("products.discard", { id })).toEqual({ discarded: true });
    expect(await shop.call("products.discard", { id })).toEqual({ discarded: false });
    expect(await redrive(id)).toEqual({ redriven: false });
    const [entry] = await shop.call<AuditEntry[]>("products.auditTrail", { limit: 1 });
    expect(entry).toMatchObject({ action: "DEAD_LETTER_DISCARDED", actorKind: "operator" });
    expect(JSON.parse(entry?.detail ?? "")).toMatchObject({ event: id, type: "order.placed" });
  });
});
