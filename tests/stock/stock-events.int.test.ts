import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import type { Product } from "../../services/products/products.contract.ts";
import {
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

/** Gives the events about the stock of a product that reached or left 0, oldest first. */
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

async function reserve({ id }: Product, quantity: number, order_id: string = randomUUID()) {
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
