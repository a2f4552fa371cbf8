import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import type { EventEnvelope } from "../../core/contract.ts";
import { booksOf, settledBooksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale, type NamedLine } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { holdEvents } from "../support/fakes/stand-ins.ts";

let shop: TestShop;
let owner: { id: string; token: string };
let otherUser: { id: string; token: string };
let admin: { id: string; token: string };
const cancelled: EventEnvelope[] = [];

beforeAll(async () => {
  shop = await startTestShop({ CANCEL_WITHIN_SECONDS: "60" });
  const record = ({ params }: { params: EventEnvelope }) => void cancelled.push(params);
  const events = { "order.cancelled": record };
  shop.broker.createService({ name: "witness", events } as never);
  owner = await shop.signIn("owner");
  otherUser = await shop.signIn("other");
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

interface Cancelled {
  id: string;
  status: string;
  history: { status: string; at: string }[];
}

async function cancel(id: string, token?: string) {
  const { data, code, errors } = await shop.graphql<{ cancelOrder: Cancelled }>(
    "mutation ($id: ID!) { cancelOrder(id: $id) { id status history { status at } } }",
    { variables: { id }, token },
  );
  return { order: data?.cancelOrder, code, error: errors?.[0]?.extensions };
}

async function place(...lines: NamedLine[]): Promise<string> {
  const { order } = await placeOrder(shop, owner.token, ...lines);
  if (order === undefined) throw new Error("the shop rejected the order");
  return order.id;
}

const settled = (product: string) => settledBooksOf(shop.databases, product);

const statusOf = async (id: string) =>
  (await shop.call<{ status: string }>("orders.get", { id })).status;

/** Returns the ledger rows of an order. */
const ledgerOf = (order: string) =>
  shop.databases.query<{ reason: string; change: number; product_id: string; user_id: string }>(
    "products",
    `SELECT reason, change, product_id, user_id FROM stock_changes WHERE order_id = $1 ORDER BY id`,
    [order],
  );

/** Waits until the stock of an order is restocked. */
const untilRestocked = (order: string) =>
  eventually("the order being restocked", async () => {
    const sql = "SELECT FROM reservations WHERE order_id = $1 AND state = 'CANCELLED'";
    return (await shop.databases.query("products", sql, [order])).length === 1;
  });

const cancelledEvents = (order: string) =>
  cancelled.filter(({ data }) => (data as { order_id: string }).order_id === order);

describe("cancelOrder", () => {
  test.each<[string, () => { id: string; token: string }]>([
    ["its owner", () => owner],
    ["an admin", () => admin],
  ])("by %s restocks the order once and emits one event", async (_title, caller) => {
    const [mug, cup] = [await putOnSale(shop, 10), await putOnSale(shop, 5)];
    const id = await place([mug, 3], [cup, 1]);
    await settled(mug);
    const { order } = await cancel(id, caller().token);
    expect(order).toMatchObject({
      id,
      status: "CANCELLED",
      history: [{ status: "PLACED" }, { status: "CANCELLED" }],
    });
    await untilRestocked(id);
    expect(await settled(mug)).toEqual({ stock: 10, reserved: 0, onHand: 10 });
    expect(await settled(cup)).toEqual({ stock: 5, reserved: 0, onHand: 5 });
    const rowsOf = (user_id: string, reason: string, sign: number) => [
      { reason, change: sign * 3, product_id: mug, user_id },
      { reason, change: sign, product_id: cup, user_id },
    ];
    expect(await ledgerOf(id)).toEqual([
      ...rowsOf(owner.id, "SOLD", -1),
      ...rowsOf(caller().id, "RETURNED", 1),
    ]);
    const [event, ...duplicates] = await eventually("the event", () => {
      const found = cancelledEvents(id);
      return found.length > 0 && found;
    });
    expect(duplicates).toEqual([]);
    expect(event).toMatchObject({ type: "order.cancelled", version: 1, producer: "orders" });
    expect(event?.data).toEqual({
      order_id: id,
      user_id: owner.id,
      cancelled_by: caller().id,
      lines: [
        { product_id: mug, quantity: 3 },
        { product_id: cup, quantity: 1 },
      ],
    });

    expect(await cancel(id, caller().token)).toMatchObject({
      code: "ORDER_NOT_CANCELLABLE",
      error: { status: "CANCELLED" },
    });
    expect(await ledgerOf(id)).toHaveLength(4);
  });

  test("by an internal call has no cancelling user", async () => {
    const mug = await putOnSale(shop, 2);
    const id = await place([mug, 2]);
    expect(await shop.call("orders.cancel", { id })).toMatchObject({ id, status: "CANCELLED" });
    await untilRestocked(id);
    expect((await ledgerOf(id)).at(-1)).toMatchObject({ reason: "RETURNED", user_id: null });
    const event = await eventually("the event", () => cancelledEvents(id)[0]);
    expect(event.data).toMatchObject({ cancelled_by: null, user_id: owner.id });
  });

  test("succeeds once for twenty concurrent calls, and restocks once", async () => {
    const mug = await putOnSale(shop, 10);
    const id = await place([mug, 4]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => cancel(id, [owner, admin][n % 2]?.token)),
    );
    expect(answers.filter(({ order }) => order?.status === "CANCELLED")).toHaveLength(1);
    const rejections = answers.flatMap(({ error }) => error ?? []);
    expect(rejections).toHaveLength(19);
    for (const rejection of rejections) {
      expect(rejection).toEqual({ code: "ORDER_NOT_CANCELLABLE", status: "CANCELLED" });
    }
    await untilRestocked(id);
    expect(await settled(mug)).toEqual({ stock: 10, reserved: 0, onHand: 10 });
    expect((await ledgerOf(id)).map(({ reason }) => reason)).toEqual(["SOLD", "RETURNED"]);
    const sql = "SELECT status FROM order_history WHERE order_id = $1 ORDER BY step";
    expect(await shop.databases.query("orders", sql, [id])).toEqual([
      { status: "PLACED" },
      { status: "CANCELLED" },
    ]);
  });

  test("makes the restocked pieces available for a new order", async () => {
    const mug = await putOnSale(shop, 1);
    const id = await place([mug, 1]);
    expect((await placeOrder(shop, otherUser.token, [mug, 1])).code).toBe("OUT_OF_STOCK");
    await cancel(id, owner.token);
    await untilRestocked(id);
    expect((await placeOrder(shop, otherUser.token, [mug, 1])).order).toMatchObject({
      quantity: 1,
    });
    expect(await settled(mug)).toEqual({ stock: 0, reserved: 0, onHand: 0 });
  });

  test("changes status and history in order, orders and user.orders", async () => {
    const buyer = await shop.signIn("reader");
    const mug = await putOnSale(shop, 5);
    const placed = await placeOrder(shop, buyer.token, [mug, 1]);
    const cancelledOrder = await placeOrder(shop, buyer.token, [mug, 2]);
    await cancel(cancelledOrder.order?.id ?? "", buyer.token);
    const fields = "id status history { status at }";
    interface Read {
      order: Cancelled;
      orders: Cancelled[];
      user: { orders: Cancelled[] };
    }
    const { data } = await shop.graphql<Read>(
      `query ($order: ID!, $user: ID!) {
         order(id: $order) { ${fields} } orders { ${fields} } user(id: $user) { orders { ${fields} } }
       }`,
      { variables: { order: cancelledOrder.order?.id, user: buyer.id }, token: buyer.token },
    );
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const first = { status: "PLACED", at };
    const both = [
      { id: placed.order?.id, status: "PLACED", history: [first] },
      {
        id: cancelledOrder.order?.id,
        status: "CANCELLED",
        history: [first, { status: "CANCELLED", at }],
      },
    ];
    expect(data?.order).toEqual(both[1]);
    expect(data?.orders).toEqual(both);
    expect(data?.user.orders).toEqual(both.toReversed());
    const [one, two] = data?.order.history ?? [];
    expect(Date.parse(one?.at ?? "")).toBeLessThanOrEqual(Date.parse(two?.at ?? ""));
  });
});

describe("cancelOrder is rejected", () => {
  test.each<[string, string, () => string | undefined]>([
    ["another user", "ORDER_NOT_FOUND", () => otherUser.token],
    ["an anonymous caller", "UNAUTHENTICATED", () => undefined],
  ])("for %s with %s", async (_title, code, token) => {
    const mug = await putOnSale(shop, 3);
    const id = await place([mug, 2]);
    expect((await cancel(id, token())).code).toBe(code);
    expect(await statusOf(id)).toBe("PLACED");
    expect(await settled(mug)).toEqual({ stock: 1, reserved: 0, onHand: 1 });
    expect(cancelledEvents(id)).toEqual([]);
  });

  test("after the cancellation period, and accepted within it", async () => {
    const mug = await putOnSale(shop, 5);
    const [late, early] = [await place([mug, 1]), await place([mug, 2])];
    const age = "UPDATE orders SET placed_at = placed_at - $2 * interval '1 second' WHERE id = $1";
    await shop.databases.query("orders", age, [late, 60]);
    await shop.databases.query("orders", age, [early, 30]);
    for (const { token } of [owner, admin]) {
      const { code, error } = await cancel(late, token);
      expect(code).toBe("ORDER_NOT_CANCELLABLE");
      expect(error).toMatchObject({ status: "PLACED" });
    }
    expect((await cancel(early, owner.token)).order?.status).toBe("CANCELLED");
    await untilRestocked(early);
    expect(await statusOf(late)).toBe("PLACED");
    expect(await settled(mug)).toEqual({ stock: 4, reserved: 0, onHand: 4 });
  });

  test("for another user even with public reads", async () => {
    const id = await place([await putOnSale(shop, 1), 1]);
    const open = await startTestShop({ PUBLIC_READS: "true" }, shop.databases);
    const read = await open.graphql(`{ order(id: "${id}") { status } }`, {
      token: otherUser.token,
    });
    const answer = await open.graphql(`mutation { cancelOrder(id: "${id}") { id } }`, {
      token: otherUser.token,
    });
    await open.stop();
    expect(read.data?.order).toEqual({ status: "PLACED" });
    expect(answer.code).toBe("ORDER_NOT_FOUND");
    expect(await statusOf(id)).toBe("PLACED");
  });

  test("for an unknown or malformed id", async () => {
    expect((await cancel(randomUUID(), admin.token)).code).toBe("ORDER_NOT_FOUND");
    expect((await cancel("mine", admin.token)).code).toBe("BAD_USER_INPUT");
  });
});

test("an order cancelled before products consumes its events is sold and restocked", async () => {
  const mug = await putOnSale(shop, 6);
  const orders = holdEvents(shop.broker, "orders");
  const id = await place([mug, 6]);
  expect((await cancel(id, owner.token)).order?.status).toBe("CANCELLED");
  await eventually("both events", () => orders.held.length === 2);
  expect(await booksOf(shop.databases, mug)).toEqual({ stock: 0, reserved: 6, onHand: 6 });
  await orders.letGo();
  await untilRestocked(id);
  expect(await settled(mug)).toEqual({ stock: 6, reserved: 0, onHand: 6 });
  expect((await ledgerOf(id)).map(({ reason, change }) => [reason, change])).toEqual([
    ["SOLD", -6] as const,
    ["RETURNED", 6] as const,
  ]);
});

test("a cancelled order whose sale is a dead letter releases its stock and is never sold", async () => {
  const mug = await putOnSale(shop, 4);
  await shop.databases.query(
    "products",
    `CREATE FUNCTION reject_sale() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'sale rejected by the test' USING ERRCODE = 'XX000'; END $$;
     CREATE TRIGGER reject_sale BEFORE INSERT ON stock_changes FOR EACH ROW
       WHEN (NEW.reason = 'SOLD' AND NEW.product_id = '${mug}') EXECUTE FUNCTION reject_sale()`,
  );
  const id = await place([mug, 3]);
  const letter = await eventually("the dead letter", async () => {
    const letters = await shop.call<{ id: string; event: EventEnvelope }[]>("products.deadLetters");
    return letters.find(({ event }) => (event.data as { order_id: string }).order_id === id);
  });
  expect(letter.event.type).toBe("order.placed");
  await shop.databases.query("products", "DROP FUNCTION reject_sale CASCADE");
  expect(await booksOf(shop.databases, mug)).toEqual({ stock: 1, reserved: 3, onHand: 4 });

  await cancel(id, owner.token);
  await untilRestocked(id);
  const initialBooks = { stock: 4, reserved: 0, onHand: 4 };
  expect(await booksOf(shop.databases, mug)).toEqual(initialBooks);
  expect(await ledgerOf(id)).toEqual([]);
  expect(await shop.call("products.redrive", { id: letter.id })).toEqual({ redriven: true });
  expect(await booksOf(shop.databases, mug)).toEqual(initialBooks);
  expect(await ledgerOf(id)).toEqual([]);
  expect(await shop.call("products.audit")).toMatchObject({ differences: [] });
});
