import { createHash, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import type { OrderTrace } from "../../services/orders/orders.contract.ts";
import { settledBooksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { holdEvents } from "../support/fakes/stand-ins.ts";

let shop: TestShop;
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  buyer = await shop.signIn("buyer");
});
afterAll(() => shop.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

async function order(product: string, quantity = 1): Promise<string> {
  const { order: placed } = await placeOrder(shop, buyer.token, [product, quantity]);
  if (placed === undefined) throw new Error("the order was rejected");
  return placed.id;
}

/** Writes an event directly to the log of its producer. */
async function insertEvent(
  producer: "products" | "orders",
  [type, version]: [type: string, version: number],
  data: unknown,
): Promise<string> {
  const id = randomUUID();
  await shop.databases.query(
    producer,
    `INSERT INTO event_log (id, type, version, data, occurred_at) VALUES ($1, $2, $3, $4, now())`,
    [id, type, version, JSON.stringify(data)],
  );
  return id;
}

interface DeadLetter {
  id: string;
  reason: string;
  event: EventEnvelope;
}
const deadLetterOf = (consumer: "products" | "orders", id: string) =>
  eventually("the dead letter", async () => {
    const deadLetters = await shop.call<DeadLetter[]>(`${consumer}.deadLetters`);
    return deadLetters.find((deadLetter) => deadLetter.id === id);
  });

const line = { product_id: randomUUID(), quantity: 1, price: 1 };
const placed = {
  order_id: randomUUID(),
  user_id: randomUUID(),
  price_total: 1,
  quantity: 1,
  lines: [line],
};

describe("an event whose data violates its contract", () => {
  test("becomes a dead letter with the reason, and later events are applied", async () => {
    const invalid: [unknown, string][] = [
      [{ ...placed, quantity: -1 }, "'quantity'"],
      [{ ...placed, order_id: undefined }, "'order_id'"],
      [{ ...placed, user_id: "me" }, "'user_id'"],
      [{ ...placed, lines: [] }, "'lines'"],
      [{ ...placed, lines: [{ ...line, price: "1" }] }, "price'"],
      [null, "not an object"],
      ["an order", "not an object"],
    ];
    const mug = await putOnSale(shop, 5);
    const ids = [];
    for (const [data] of invalid) ids.push(await insertEvent("orders", ["order.placed", 1], data));
    await order(mug, 2);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
    for (const [n, [data, reason]] of invalid.entries()) {
      const deadLetter = await deadLetterOf("products", ids[n] ?? "");
      expect(deadLetter.reason).toMatch(/^the data (is not an object|is invalid: .+)$/);
      expect(deadLetter.reason).toContain(reason);
      expect(deadLetter.event).toMatchObject({
        id: ids[n],
        type: "order.placed",
        producer: "orders",
      });
      expect(deadLetter.event.data).toEqual(JSON.parse(JSON.stringify(data)));
      await expect(shop.call("products.redrive", { id: ids[n] })).rejects.toMatchObject({
        type: "BAD_USER_INPUT",
      });
    }
  });

  test("does not change a read model", async () => {
    const mug = await putOnSale(shop, 5);
    const change = { product_id: mug, change: "PAINTED", number: 3, order_id: null };
    const id = await insertEvent("products", ["inventory.updated", 2], change);
    expect((await deadLetterOf("orders", id)).reason).toContain("'change'");
    const sql = "SELECT on_hand FROM known_products WHERE id = $1";
    expect(await shop.databases.query("orders", sql, [mug])).toEqual([{ on_hand: 5 }]);
  });
});

test("an event with additional fields is applied", async () => {
  const mug = await putOnSale(shop, 5);
  const [order_id, reserved] = [randomUUID(), { product_id: mug, quantity: 2 }];
  await shop.call("products.reserve", { order_id, lines: [reserved] });
  const lines = [{ ...reserved, price: 5, gift: true }];
  await insertEvent("orders", ["order.placed", 1], { ...placed, order_id, lines, channel: "app" });
  expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
});

describe("the trace of a request", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";

  /** Places an order with these headers. Returns the types and trace ids of its events. */
  async function tracesOf(headers: Record<string, string>) {
    const mug = await putOnSale(shop, 5);
    const document = mutations.placeOrder(mug, 1);
    const { data } = await shop.graphql(document, { token: buyer.token, headers });
    const id = data?.placeOrder?.id;
    await settledBooksOf(shop.databases, mug);
    const traces = [];
    for (const service of ["orders", "products"] as const) {
      const sql = "SELECT type, traceparent FROM event_log WHERE data ->> 'order_id' = $1";
      const [event] = await shop.databases.query<{ type: string; traceparent: string }>(
        service,
        sql,
        [id],
      );
      expect(event?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
      traces.push([event?.type, event?.traceparent.split("-")[1]]);
    }
    return traces;
  }
  const both = (trace: string) => [
    ["order.placed", trace],
    ["inventory.updated", trace],
  ];
  const hashed = (name: string) => createHash("sha256").update(name).digest("hex").slice(0, 32);

  test.each<[string, Record<string, string>, string]>([
    ["traceparent", { traceparent: `00-${traceId}-b7ad6b7169203331-01` }, traceId],
    ["a UUID as x-request-id", { "x-request-id": "0af76519-16cd-43dd-8448-eb211c80319c" }, traceId],
    ["a name as x-request-id", { "x-request-id": "order-4711" }, hashed("order-4711")],
    [
      "traceparent and x-request-id",
      { traceparent: `00-${traceId}-b7ad6b7169203331-01`, "x-request-id": "order-4711" },
      traceId,
    ],
  ])(
    "with %s continues in its event and in the events that follow",
    async (_title, headers, id) => {
      expect(await tracesOf(headers)).toEqual(both(id));
    },
  );

  test("with an invalid traceparent begins at the gateway", async () => {
    const headers = { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` };
    const [placed, updated] = await tracesOf(headers);
    expect(placed?.[1]).toBe(updated?.[1]);
    expect(placed?.[1]).not.toMatch(/^0+$/);
  });
});

describe("the outbox of a service", () => {
  interface Outbox {
    head: number;
    readers: { consumer: string; position: number; behind: number; seenAt: string }[];
  }
  const outbox = (service: string) => shop.call<Outbox>(`${service}.outbox`);

  test("lists all its readers", async () => {
    const readers = async (service: string) =>
      (await outbox(service)).readers.map(({ consumer }) => consumer);
    expect(await readers("users")).toEqual(["orders", "products", "webhooks"]);
    expect(await readers("products")).toEqual(["orders", "webhooks"]);
    expect(await readers("orders")).toEqual(["products", "webhooks"]);
  });

  test("shows how many events a reader is behind until the reader has caught up", async () => {
    const mug = await putOnSale(shop, 5);
    const orders = holdEvents(shop.broker, "orders");
    const before = await outbox("orders");
    for (let n = 0; n < 3; n += 1) await order(mug);
    const behind = await eventually("three more events are logged", async () => {
      const current = await outbox("orders");
      return current.head === before.head + 3 && current;
    });
    const reader = behind.readers.find(({ consumer }) => consumer === "products");
    expect(reader?.behind).toBeGreaterThanOrEqual(3);
    expect(reader?.behind).toBe(behind.head - (reader?.position ?? 0));
    await orders.letGo();
    await eventually("the reader has caught up", async () => {
      expect((await outbox("orders")).readers).toContainEqual({
        consumer: "products",
        position: behind.head,
        behind: 0,
        halt: null,
        seenAt: expect.stringMatching(/Z$/),
      });
      return true;
    });
  });
});

describe("the trace of an order", () => {
  test("shows its reservation, ledger and events, with the consumer, node and time of each", async () => {
    const mug = await putOnSale(shop, 5);
    const id = await order(mug, 2);
    await shop.call("orders.cancel", { id });
    const trace = await eventually("all four events are consumed", async () => {
      const current = await shop.call<OrderTrace>("orders.trace", { id });
      return current.events.filter(({ consumed }) => consumed.length > 1).length === 4 && current;
    });
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(trace.order).toMatchObject({ id, user_id: buyer.id, status: "CANCELLED" });
    expect(trace.history).toMatchObject([
      { status: "PLACED", user_id: buyer.id, at, tracking: null },
      { status: "CANCELLED", user_id: null, at, tracking: null },
    ]);
    expect(trace.stock).toEqual({
      reservation: { state: "CANCELLED", at, expiresAt: null },
      lines: [{ product_id: mug, quantity: 2, price: 5 }],
      ledger: [
        { product_id: mug, change: -2, reason: "SOLD", at },
        { product_id: mug, change: 2, reason: "RETURNED", at },
      ],
    });
    const applied = (...consumers: string[]) =>
      consumers.map((consumer) => ({ consumer, node: shop.broker.nodeID, at }));
    const shown = trace.events.map(({ type, consumed }) => [
      type,
      consumed.toSorted((a, b) => a.consumer.localeCompare(b.consumer)),
    ]);
    expect(shown).toHaveLength(4);
    expect(shown).toEqual(
      expect.arrayContaining([
        ["order.placed", applied("products", "webhooks")],
        ["order.cancelled", applied("products", "webhooks")],
        ["inventory.updated", applied("orders", "webhooks")],
      ]),
    );
    for (const { occurredAt, consumed } of trace.events) {
      expect(Date.parse(consumed[0]?.at ?? "")).toBeGreaterThanOrEqual(Date.parse(occurredAt));
    }
  });

  test("omits the data of an unavailable service", async () => {
    const id = await order(await putOnSale(shop, 5));
    const withoutProducts = await startTestShop({}, shop.databases);
    await withoutProducts.broker.destroyService(withoutProducts.broker.getLocalService("products"));
    const trace = await withoutProducts
      .call<OrderTrace>("orders.trace", { id })
      .finally(() => withoutProducts.stop());
    expect(trace.order.id).toBe(id);
    expect(trace.stock).toBeNull();
    expect(trace.events.map(({ type }) => type)).toEqual(["order.placed"]);
    // Its consumer `products` is not asked.
    const consumers = trace.events.flatMap(({ consumed }) => consumed);
    expect(consumers.filter(({ consumer }) => consumer === "products")).toEqual([]);
  });

  test("throws ORDER_NOT_FOUND for an unknown id", async () => {
    await expect(shop.call("orders.trace", { id: randomUUID() })).rejects.toMatchObject({
      type: "ORDER_NOT_FOUND",
    });
  });
});
