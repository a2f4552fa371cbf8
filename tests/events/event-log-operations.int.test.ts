import { createHash, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import type { OrderTrace } from "../../services/orders/orders.contract.ts";
import { settledBooksOf } from "../support/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { holdEvents } from "../support/stand-ins.ts";

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
  if (placed === undefined) throw new Error("the order was refused");
  return placed.id;
}

/** Writes an event past the service that is its producer. */
async function log(
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

interface Letter {
  id: string;
  reason: string;
  event: EventEnvelope;
}
const letterOf = (consumer: "products" | "orders", id: string) =>
  eventually("the dead letter", async () => {
    const letters = await shop.call<Letter[]>(`${consumer}.deadLetters`);
    return letters.find((letter) => letter.id === id);
  });

describe("an event whose data breaks a rule of its contract", () => {
  const line = { product_id: randomUUID(), quantity: 1, price: 1 };
  const placed = {
    order_id: randomUUID(),
    user_id: randomUUID(),
    price_total: 1,
    quantity: 1,
    lines: [line],
  };

  test("becomes a dead letter that says which, and those behind it go on", async () => {
    const broken: [unknown, string][] = [
      [{ ...placed, quantity: -1 }, "'quantity'"],
      [{ ...placed, order_id: undefined }, "'order_id'"],
      [{ ...placed, user_id: "me" }, "'user_id'"],
      [{ ...placed, lines: [] }, "'lines'"],
      [{ ...placed, lines: [{ ...line, price: "1" }] }, "price'"],
      [null, "no object"],
      ["an order", "no object"],
    ];
    const mug = await putOnSale(shop, 5);
    const ids = [];
    for (const [data] of broken) ids.push(await log("orders", ["order.placed", 1], data));
    await order(mug, 2);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
    for (const [n, [data, reason]] of broken.entries()) {
      const letter = await letterOf("products", ids[n] ?? "");
      expect(letter.reason).toMatch(/^the data (is no object|does not fit: .+)$/);
      expect(letter.reason).toContain(reason);
      expect(letter.event).toMatchObject({ id: ids[n], type: "order.placed", producer: "orders" });
      expect(letter.event.data).toEqual(JSON.parse(JSON.stringify(data)));
      await expect(shop.call("products.redrive", { id: ids[n] })).rejects.toMatchObject({
        type: "BAD_USER_INPUT",
      });
    }
  });

  test("changes no copy", async () => {
    const mug = await putOnSale(shop, 5);
    const change = { product_id: mug, change: "PAINTED", number: 3, order_id: null };
    const id = await log("products", ["inventory.updated", 2], change);
    expect((await letterOf("orders", id)).reason).toContain("'change'");
    const known = "SELECT on_hand FROM known_products WHERE id = $1";
    expect(await shop.databases.query("orders", known, [mug])).toEqual([{ on_hand: 5 }]);
  });

  test("is not one that says more than the contract knows", async () => {
    const mug = await putOnSale(shop, 5);
    const [order_id, sent] = [randomUUID(), { product_id: mug, quantity: 2 }];
    await shop.call("products.reserve", { order_id, lines: [sent] });
    const lines = [{ ...sent, price: 5, gift: true }];
    await log("orders", ["order.placed", 1], { ...placed, order_id, lines, channel: "app" });
    expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
  });
});

describe("the trace of a request", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";

  /** The trace ids of the events that an order with these headers leads to. */
  async function tracesOf(headers: Record<string, string>) {
    const mug = await putOnSale(shop, 5);
    const { data } = await shop.graphql(
      `mutation { placeOrder(input: { order_products: [{ product_id: "${mug}", quantity: 1 }] }) { id } }`,
      { token: buyer.token, headers },
    );
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
      expect(event?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
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
    ["a traceparent", { traceparent: `00-${traceId}-b7ad6b7169203331-01` }, traceId],
    ["an id that is a UUID", { "x-request-id": "0af76519-16cd-43dd-8448-eb211c80319c" }, traceId],
    ["an id that is a name", { "x-request-id": "order-4711" }, hashed("order-4711")],
    [
      "a traceparent and an id",
      { traceparent: `00-${traceId}-b7ad6b7169203331-01`, "x-request-id": "order-4711" },
      traceId,
    ],
  ])("with %s goes on in its event, and in what follows from that", async (_what, headers, id) => {
    expect(await tracesOf(headers)).toEqual(both(id));
  });

  test("with a traceparent that is none begins with the request", async () => {
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

  test("knows everybody who reads it", async () => {
    const readers = async (service: string) =>
      (await outbox(service)).readers.map(({ consumer }) => consumer);
    expect(await readers("users")).toEqual(["orders", "products"]);
    expect(await readers("products")).toEqual(["orders"]);
    expect(await readers("orders")).toEqual(["products"]);
  });

  test("shows how far a reader is behind, until it has caught up", async () => {
    const mug = await putOnSale(shop, 5);
    const orders = holdEvents(shop.broker, "orders");
    const before = await outbox("orders");
    for (let n = 0; n < 3; n += 1) await order(mug);
    const held = await eventually("three more events", async () => {
      const now = await outbox("orders");
      return now.head === before.head + 3 && now;
    });
    const [reader] = held.readers;
    expect(reader?.consumer).toBe("products");
    expect(reader?.behind).toBeGreaterThanOrEqual(3);
    expect(reader?.behind).toBe(held.head - (reader?.position ?? 0));
    await orders.letGo();
    await eventually("it has caught up", async () => {
      expect((await outbox("orders")).readers).toEqual([
        {
          consumer: "products",
          position: held.head,
          behind: 0,
          seenAt: expect.stringMatching(/Z$/),
        },
      ]);
      return true;
    });
  });
});

describe("the trace of an order", () => {
  test("shows its reservation, ledger and events, and who has applied each and when", async () => {
    const mug = await putOnSale(shop, 5);
    const id = await order(mug, 2);
    await shop.call("orders.cancel", { id });
    const trace = await eventually("everything is consumed", async () => {
      const found = await shop.call<OrderTrace>("orders.trace", { id });
      return found.events.filter(({ consumed }) => consumed.length > 0).length === 4 && found;
    });
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(trace.order).toMatchObject({ id, user_id: buyer.id, status: "CANCELLED" });
    expect(trace.history).toEqual([
      { status: "PLACED", user_id: buyer.id, at },
      { status: "CANCELLED", user_id: null, at },
    ]);
    expect(trace.stock).toEqual({
      reservation: { state: "CANCELLED", at, expiresAt: null },
      lines: [{ product_id: mug, quantity: 2, price: 5 }],
      ledger: [
        { product_id: mug, change: -2, reason: "SOLD", at },
        { product_id: mug, change: 2, reason: "RETURNED", at },
      ],
    });
    const applied = (consumer: string) => [{ consumer, node: shop.broker.nodeID, at }];
    const shown = trace.events.map(({ type, consumed }) => [type, consumed]);
    expect(shown).toHaveLength(4);
    expect(shown).toEqual(
      expect.arrayContaining([
        ["order.placed", applied("products")],
        ["order.cancelled", applied("products")],
        ["inventory.updated", applied("orders")],
      ]),
    );
    for (const { occurredAt, consumed } of trace.events) {
      expect(Date.parse(consumed[0]?.at ?? "")).toBeGreaterThanOrEqual(Date.parse(occurredAt));
    }
  });

  test("leaves out what a service that is away would say", async () => {
    const id = await order(await putOnSale(shop, 5));
    const lonely = await startTestShop({}, shop.databases);
    await lonely.broker.destroyService(lonely.broker.getLocalService("products"));
    const trace = await lonely
      .call<OrderTrace>("orders.trace", { id })
      .finally(() => lonely.stop());
    expect(trace.order.id).toBe(id);
    expect(trace.stock).toBeNull();
    expect(trace.events.map(({ type, consumed }) => [type, consumed])).toEqual([
      ["order.placed", []],
    ]);
  });

  test("is of no order that is not there", async () => {
    await expect(shop.call("orders.trace", { id: randomUUID() })).rejects.toMatchObject({
      type: "ORDER_NOT_FOUND",
    });
  });
});
