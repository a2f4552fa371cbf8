import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { eventually } from "../../tools/support/eventually.ts";
import { settledBooksOf } from "../support/consistency/books.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

interface User {
  id: string;
  token: string;
}

interface Changed {
  id: string;
  status: string;
  history: { status: string; at: string; tracking: string | null }[];
}

let shop: TestShop;
let owner: User;
let admin: User;

beforeAll(async () => {
  shop = await startTestShop();
  owner = await shop.signIn("owner");
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());

const fields = "{ id status history { status at tracking } }";
const documents = {
  shipOrder: `mutation ($id: ID!, $tracking: String) {
    answer: shipOrder(input: { id: $id, tracking: $tracking }) ${fields} }`,
  completeOrder: `mutation ($id: ID!) { answer: completeOrder(id: $id) ${fields} }`,
  cancelOrder: `mutation ($id: ID!) { answer: cancelOrder(id: $id) ${fields} }`,
};

/** Sends a mutation. Returns the order, or the extensions of the error. */
async function send(
  name: keyof typeof documents,
  variables: { id: string; tracking?: string | null },
  token: string | undefined = admin.token,
) {
  const { data, code, errors } = await shop.graphql<{ answer: Changed }>(documents[name], {
    variables,
    token,
  });
  return { order: data?.answer, code, error: errors?.[0]?.extensions };
}

/** Places an order of two mugs. Returns its id and the product. */
async function place(): Promise<{ id: string; mug: string }> {
  const mug = await putOnSale(shop, 10);
  const { order } = await placeOrder(shop, owner.token, [mug, 2]);
  if (order === undefined) throw new Error("the shop rejected the order");
  return { id: order.id, mug };
}

/** Returns the steps of an order with the users who took them. */
const stepsOf = (id: string) =>
  shop.databases.query<{ status: string; user_id: string | null }>(
    "orders",
    "SELECT status, user_id FROM order_history WHERE order_id = $1 ORDER BY step",
    [id],
  );

/** Returns the data of an order's events by type, without that of its placement. */
async function eventsOf(id: string): Promise<Record<string, unknown>> {
  const rows = await shop.databases.query<{ type: string; data: unknown }>(
    "orders",
    "SELECT type, data FROM event_log WHERE data ->> 'order_id' = $1 AND type <> 'order.placed'",
    [id],
  );
  return Object.fromEntries(rows.map(({ type, data }) => [type, data]));
}

const reasonsOf = async (id: string) => {
  const sql = "SELECT reason FROM stock_changes WHERE order_id = $1 ORDER BY id";
  const rows = await shop.databases.query<{ reason: string }>("products", sql, [id]);
  return rows.map(({ reason }) => reason);
};

/** Waits until the products service has consumed all events of orders. Expects no dead letters. */
async function untilConsumed(): Promise<void> {
  const head = "SELECT position FROM event_log_head";
  const cursor = "SELECT position FROM event_cursors WHERE producer = 'orders'";
  await eventually("products consuming all events", async () => {
    const [written] = await shop.databases.query<{ position: string }>("orders", head);
    const [read] = await shop.databases.query<{ position: string }>("products", cursor);
    return read?.position === written?.position;
  });
  expect(await shop.call("products.deadLetters")).toEqual([]);
}

const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const step = (status: string, tracking: string | null = null) => ({ status, at, tracking });

describe("shipOrder and completeOrder", () => {
  test("by an admin lead from PLACED to SHIPPED to DELIVERED, and leave the stock as it is", async () => {
    const { id, mug } = await place();
    const shipped = await send("shipOrder", { id, tracking: "DHL 00340434161094" });
    const steps = [step("PLACED"), step("SHIPPED", "DHL 00340434161094")];
    expect(shipped.order).toEqual({ id, status: "SHIPPED", history: steps });
    const delivered = await send("completeOrder", { id });
    const history = [...steps, step("DELIVERED")];
    expect(delivered.order).toEqual({ id, status: "DELIVERED", history });
    const { data } = await shop.graphql<{ order: Changed }>(`{ order(id: "${id}") ${fields} }`, {
      token: owner.token,
    });
    expect(data?.order).toEqual({ id, status: "DELIVERED", history });
    await untilConsumed();
    expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 8, reserved: 0, onHand: 8 });
    expect(await reasonsOf(id)).toEqual(["SOLD"]);
  });

  test("record who took each step, in the history and in the events", async () => {
    const { id } = await place();
    await send("shipOrder", { id });
    await shop.call("orders.complete", { id });
    expect(await stepsOf(id)).toEqual([
      { status: "PLACED", user_id: owner.id },
      { status: "SHIPPED", user_id: admin.id },
      { status: "DELIVERED", user_id: null },
    ]);
    expect(await eventsOf(id)).toEqual({
      "order.shipped": { order_id: id, user_id: owner.id, shipped_by: admin.id },
      "order.delivered": { order_id: id, user_id: owner.id, delivered_by: null },
    });
    const trace = await shop.call<{ history: object[] }>("orders.trace", { id });
    expect(trace.history).toMatchObject(await stepsOf(id));
  });

  test.each([undefined, null])("accept the tracking text %s", async (tracking) => {
    const { id } = await place();
    const { order } = await send("shipOrder", { id, ...(tracking === null && { tracking }) });
    expect(order?.history).toEqual([step("PLACED"), step("SHIPPED")]);
  });

  test("make the orders of each status selectable", async () => {
    const { id: placed } = await place();
    const { id: shipped } = await place();
    const { id: delivered } = await place();
    const { id: cancelled } = await place();
    await send("shipOrder", { id: shipped });
    await send("shipOrder", { id: delivered });
    await send("completeOrder", { id: delivered });
    await send("cancelOrder", { id: cancelled });
    const found = { PLACED: placed, SHIPPED: shipped, DELIVERED: delivered, CANCELLED: cancelled };
    for (const [status, id] of Object.entries(found)) {
      for (const token of [admin.token, owner.token]) {
        const { data } = await shop.graphql<{ ordersConnection: { nodes: Changed[] } }>(
          `{ ordersConnection(filter: { status: ${status} }) { nodes { id status } totalCount } }`,
          { token },
        );
        const nodes = data?.ordersConnection.nodes ?? [];
        expect(nodes).toContainEqual({ id, status });
        expect(nodes.filter((node) => node.status !== status)).toEqual([]);
        expect(data?.ordersConnection).toMatchObject({ totalCount: nodes.length });
      }
    }
  });
});

describe("a change of status is rejected", () => {
  /** Brings a new order to a status. Returns its id. */
  async function orderThatIs(status: string): Promise<string> {
    const { id } = await place();
    if (status === "CANCELLED") await shop.call("orders.cancel", { id });
    if (status === "SHIPPED" || status === "DELIVERED") await shop.call("orders.ship", { id });
    if (status === "DELIVERED") await shop.call("orders.complete", { id });
    return id;
  }

  test.each<[keyof typeof documents, string, string]>([
    ["cancelOrder", "SHIPPED", "ORDER_NOT_CANCELLABLE"],
    ["cancelOrder", "DELIVERED", "ORDER_NOT_CANCELLABLE"],
    ["shipOrder", "SHIPPED", "ORDER_NOT_SHIPPABLE"],
    ["shipOrder", "DELIVERED", "ORDER_NOT_SHIPPABLE"],
    ["shipOrder", "CANCELLED", "ORDER_NOT_SHIPPABLE"],
    ["completeOrder", "PLACED", "ORDER_NOT_COMPLETABLE"],
    ["completeOrder", "DELIVERED", "ORDER_NOT_COMPLETABLE"],
    ["completeOrder", "CANCELLED", "ORDER_NOT_COMPLETABLE"],
  ])("by %s of an order that is %s, with %s", async (name, status, code) => {
    const id = await orderThatIs(status);
    const [steps, events] = [await stepsOf(id), await eventsOf(id)];
    expect((await send(name, { id })).error).toEqual({ code, status });
    expect(await stepsOf(id)).toEqual(steps);
    expect(await eventsOf(id)).toEqual(events);
  });

  test.each(["shipOrder", "completeOrder"] as const)(
    "by %s of an unknown or malformed id",
    async (name) => {
      expect((await send(name, { id: randomUUID() })).code).toBe("ORDER_NOT_FOUND");
      expect((await send(name, { id: "mine" })).code).toBe("BAD_USER_INPUT");
    },
  );

  test.each(["", "   ", "x".repeat(201)])(
    "by shipOrder with the tracking text %j",
    async (text) => {
      const { id } = await place();
      expect((await send("shipOrder", { id, tracking: text })).error).toMatchObject({
        code: "BAD_USER_INPUT",
        fields: [{ field: "tracking" }],
      });
      expect(await stepsOf(id)).toHaveLength(1);
    },
  );
});

test("of a shipment and a cancellation at the same time exactly one takes effect", async () => {
  for (let round = 0; round < 12; round += 1) {
    const { id, mug } = await place();
    const changes = [send("shipOrder", { id }), send("cancelOrder", { id }, owner.token)];
    const answers = await Promise.all(round % 2 ? changes : changes.reverse());
    const [won, ...others] = answers.flatMap(({ order }) => order ?? []);
    expect(others).toEqual([]);
    const [lost] = answers.flatMap(({ error }) => error ?? []);
    const isShipped = won?.status === "SHIPPED";
    expect(lost).toEqual({
      code: isShipped ? "ORDER_NOT_CANCELLABLE" : "ORDER_NOT_SHIPPABLE",
      status: won?.status,
    });
    expect((await stepsOf(id)).map(({ status }) => status)).toEqual(["PLACED", won?.status]);
    expect(Object.keys(await eventsOf(id))).toEqual([
      isShipped ? "order.shipped" : "order.cancelled",
    ]);
    await untilConsumed();
    const stock = isShipped ? 8 : 10;
    expect(await settledBooksOf(shop.databases, mug)).toEqual({
      stock,
      reserved: 0,
      onHand: stock,
    });
  }
});

test("the table of steps excludes an order that is shipped and cancelled", async () => {
  const { id } = await place();
  await shop.call("orders.ship", { id });
  for (const [number, reason] of [
    [2, "order_history_pkey"],
    [3, "order_history_steps"],
  ]) {
    const sql = "INSERT INTO order_history (order_id, step, status) VALUES ($1, $2, 'CANCELLED')";
    await expect(shop.databases.query("orders", sql, [id, number])).rejects.toMatchObject({
      constraint: reason,
    });
  }
});
