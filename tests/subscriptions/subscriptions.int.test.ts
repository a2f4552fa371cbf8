import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { openSocket } from "../support/http/raw-socket.ts";
import { subscriptionsTo, watch } from "../support/http/subscriptions.ts";

let shop: TestShop;
let mug: string;
let ann: { id: string; token: string };
let bob: { id: string; token: string };
let admin: { id: string; token: string };
const open: Client[] = [];

beforeAll(async () => {
  shop = await startTestShop();
  mug = await putOnSale(shop, 1_000, 5);
  ann = await shop.signIn("ann");
  bob = await shop.signIn("bob");
  admin = await shop.signIn("admin", 1);
});
afterAll(async () => {
  for (const client of open) await client.dispose();
  await shop.stop();
});

interface Result {
  data?: Record<string, Record<string, unknown>> | null;
  errors?: readonly { extensions?: Record<string, unknown> }[];
}

/** Creates a client, with or without a token. */
function connect(token?: string): Client {
  const client = createClient({
    url: shop.url.replace("http", "ws") + "/graphql",
    webSocketImpl: WebSocket,
    ...(token !== undefined && { connectionParams: { authorization: token } }),
    retryAttempts: 0,
  });
  open.push(client);
  return client;
}

/** Subscribes and collects the results. */
function subscribe(query: string, token?: string, variables: Record<string, unknown> = {}) {
  const results: Result[] = [];
  const state: { end?: unknown } = {};
  const stop = connect(token).subscribe(
    { query, variables },
    {
      next: (result) => results.push(result as Result),
      error: (error) => {
        state.end = error;
      },
      complete: () => {
        state.end = "complete";
      },
    },
  );
  return { results, state, stop };
}

/** Waits until the gateway has this many subscriptions. */
async function untilSubscribed(type: string, count: number): Promise<void> {
  await eventually("the number of subscriptions", () => subscriptionsTo(shop, type) === count);
}

test("the gateway receives events of the broker from the first subscription on", async () => {
  const receivers = () => shop.broker.services.filter(({ name }) => name === "$subscriptions");
  expect(receivers()).toEqual([]);
  const { results, stop } = subscribe("subscription { inventoryUpdated { number } }");
  await untilSubscribed("inventory.updated", 1);
  await eventually("the gateway receives events", () => receivers().length === 1);
  await placeOrder(shop, ann.token, [mug, 3]);
  await eventually("the event", () => results.length > 0);
  expect(results).toEqual([{ data: { inventoryUpdated: { number: -3 } } }]);
  stop();
  await untilSubscribed("inventory.updated", 0);
});

test("a ping is answered when the subscriptions before it receive events", async () => {
  const { socket, init, send, receive } = openSocket(shop.url);
  await init();
  const countsAtPong: number[] = [];
  socket.on("message", (message: Buffer) => {
    if (message.includes("pong")) countsAtPong.push(subscriptionsTo(shop, "inventory.updated"));
  });
  send(watch("first"));
  send(watch("second"));
  send({ type: "ping" });
  await receive("pong");
  expect(countsAtPong).toEqual([2]);
  send({ type: "subscribe", id: "wrong", payload: { query: "subscription { nothing }" } });
  send({ type: "subscribe", id: "query", payload: { query: "{ products { id } }" } });
  send({ type: "ping" });
  await eventually("the second pong", () => countsAtPong.length === 2);
  socket.terminate();
  await untilSubscribed("inventory.updated", 0);
});

describe("orderUpdated", () => {
  const query = "subscription { orderUpdated { id user_id status history { status tracking } } }";

  test("sends each change of status to the buyer and to admins, and an error to anonymous callers", async () => {
    const [forAnn, forBob, forAdmin] = [ann, bob, admin].map(({ token }) =>
      subscribe(query, token),
    );
    const anonymous = subscribe(query);
    const types = ["order.shipped", "order.delivered", "order.cancelled"];
    for (const type of types) await untilSubscribed(type, 3);
    const { order: delivered } = await placeOrder(shop, ann.token, [mug, 1]);
    const { order: cancelled } = await placeOrder(shop, bob.token, [mug, 1]);
    await shop.call("orders.ship", { id: delivered?.id, tracking: "DHL 1" });
    await eventually("the shipment", () => forAnn?.results.length === 1);
    await shop.call("orders.complete", { id: delivered?.id });
    await eventually("the delivery", () => forAnn?.results.length === 2);
    await shop.call("orders.cancel", { id: cancelled?.id });
    await eventually("the cancellation", () => forBob?.results.length === 1);
    await eventually("all results", () => forAdmin?.results.length === 3);
    interface Step {
      status: string;
      tracking: string | null;
    }
    const placed: Step = { status: "PLACED", tracking: null };
    const shipped: Step = { status: "SHIPPED", tracking: "DHL 1" };
    const resultOf = (id: unknown, user_id: string, ...later: Step[]) => {
      const status = later.at(-1)?.status;
      return { data: { orderUpdated: { id, user_id, status, history: [placed, ...later] } } };
    };
    const ofAnn = [
      resultOf(delivered?.id, ann.id, shipped),
      resultOf(delivered?.id, ann.id, shipped, { status: "DELIVERED", tracking: null }),
    ];
    const ofBob = [resultOf(cancelled?.id, bob.id, { status: "CANCELLED", tracking: null })];
    expect(forAnn?.results).toEqual(ofAnn);
    expect(forBob?.results).toEqual(ofBob);
    expect(forAdmin?.results).toEqual([...ofAnn, ...ofBob]);
    await eventually("the error for the anonymous caller", () => anonymous.state.end !== undefined);
    expect(anonymous.results).toMatchObject([
      { errors: [{ extensions: { code: "UNAUTHENTICATED" } }] },
    ]);
    for (const subscription of [forAnn, forBob, forAdmin]) subscription?.stop();
    for (const type of types) await untilSubscribed(type, 0);
  });
});

describe("orderPlaced", () => {
  const query = "subscription { orderPlaced { id user_id quantity order_products { name } } }";

  test("sends customers their own orders, admins all orders, and anonymous callers an error", async () => {
    const [forAnn, forBob, forAdmin] = [ann, bob, admin].map(({ token }) =>
      subscribe(query, token),
    );
    const anonymous = subscribe(query);
    await untilSubscribed("order.placed", 3);
    const { order: first } = await placeOrder(shop, ann.token, [mug, 1]);
    const { order: second } = await placeOrder(shop, bob.token, [mug, 2]);
    await eventually("all results", () => forAdmin?.results.length === 2);
    await eventually("all results", () => forAnn?.results.length === 1);
    await eventually("all results", () => forBob?.results.length === 1);
    const resultOf = (order: unknown, user: string, quantity: number) => ({
      data: {
        orderPlaced: {
          id: (order as { id: string }).id,
          user_id: user,
          quantity,
          order_products: [{ name: "Mug" }],
        },
      },
    });
    expect(forAnn?.results).toEqual([resultOf(first, ann.id, 1)]);
    expect(forBob?.results).toEqual([resultOf(second, bob.id, 2)]);
    expect(forAdmin?.results).toEqual([resultOf(first, ann.id, 1), resultOf(second, bob.id, 2)]);
    await eventually("the error for the anonymous caller", () => anonymous.state.end !== undefined);
    expect(anonymous.results).toMatchObject([
      { errors: [{ extensions: { code: "UNAUTHENTICATED" } }] },
    ]);
    for (const subscription of [forAnn, forBob, forAdmin]) subscription?.stop();
    await untilSubscribed("order.placed", 0);
  });

  test("closes the connection of a demoted admin within five seconds", async () => {
    const boss = await shop.signIn("boss", 1);
    const subscription = subscribe(query, boss.token);
    await untilSubscribed("order.placed", 1);
    await placeOrder(shop, ann.token, [mug, 1]);
    await eventually("the result", () => subscription.results.length === 1);
    const spy = jest.spyOn(shop.broker, "call");
    await shop.call("users.setType", { id: boss.id, type: 0 });
    const polls = () => spy.mock.calls.filter(([name]) => name === "users.endedSessions").length;
    // Three polls are at most five seconds, and no other event is needed.
    await eventually("the end of the connection", () => subscription.state.end !== undefined);
    expect(polls()).toBeLessThanOrEqual(3);
    spy.mockRestore();
    expect(subscription.state.end).toMatchObject({ code: 4403 });
    await untilSubscribed("order.placed", 0);
  });

  test("ends with SERVICE_UNAVAILABLE when ended sessions cannot be polled", async () => {
    const call = shop.broker.call.bind(shop.broker);
    const subscription = subscribe(query, admin.token);
    await untilSubscribed("order.placed", 1);
    const spy = jest
      .spyOn(shop.broker, "call")
      .mockImplementation(((name: string, ...rest: [object?, object?]) =>
        name === "users.endedSessions"
          ? Promise.reject(new Error("unavailable"))
          : call(name, ...rest)) as typeof shop.broker.call);
    await eventually("the end of the subscription", async () => {
      await placeOrder(shop, ann.token, [mug, 1]);
      return subscription.state.end !== undefined;
    });
    const rejected = subscribe(query, admin.token);
    await eventually(
      "the rejection of another subscription",
      () => rejected.state.end !== undefined,
    );
    spy.mockRestore();
    const codes = [subscription, rejected].map(({ results }) =>
      results.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions?.code)).at(-1),
    );
    const ends = [subscription, rejected].map(({ state }) => state.end);
    expect(JSON.stringify([codes, ends])).toMatch(/SERVICE_UNAVAILABLE.*SERVICE_UNAVAILABLE/);
    await eventually("a successful poll", async () => {
      const renewed = subscribe(query, admin.token);
      const isSubscribed = () => subscriptionsTo(shop, "order.placed") === 1;
      await eventually("an answer", () => renewed.state.end !== undefined || isSubscribed());
      renewed.stop();
      return renewed.state.end === undefined;
    });
    await untilSubscribed("order.placed", 0);
  });

  test("ends with its connection", async () => {
    const client = connect(ann.token);
    client.subscribe(
      { query },
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    await untilSubscribed("order.placed", 1);
    client.terminate();
    await untilSubscribed("order.placed", 0);
  });
});

describe("inventoryUpdated", () => {
  const query = `subscription ($id: ID) {
    inventoryUpdated(product_id: $id) { product_id change number product { name stock } }
  }`;

  test("sends anonymous callers the changes of one or all products, with the current stock", async () => {
    const lamp = await putOnSale(shop, 7, 5, "Lamp");
    const ofAll = subscribe(query);
    const ofLamp = subscribe(query, undefined, { id: lamp.toUpperCase() });
    await untilSubscribed("inventory.updated", 2);
    await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
    await shop.call("products.updateInventory", { id: lamp, type: 2, number: 3 });
    await shop.call("products.updateInventory", { id: lamp, type: 3, number: 0 });
    await eventually(
      "all results",
      () => ofAll.results.length === 3 && ofLamp.results.length === 2,
    );
    expect(ofLamp.results).toEqual([
      {
        data: {
          inventoryUpdated: {
            product_id: lamp,
            change: "SUBTRACTED",
            number: -3,
            // Or null, if the product was archived before the result was resolved.
            product: ofLamp.results[0]?.data?.inventoryUpdated?.product ?? null,
          },
        },
      },
      {
        data: {
          inventoryUpdated: { product_id: lamp, change: "DELETED", number: 0, product: null },
        },
      },
    ]);
    expect(ofAll.results[0]).toMatchObject({
      data: { inventoryUpdated: { product_id: mug, change: "ADDED", number: 1 } },
    });
    ofAll.stop();
    ofLamp.stop();
    await untilSubscribed("inventory.updated", 0);
  });

  test("rejects an invalid id", async () => {
    const { results, state } = subscribe(query, undefined, { id: "mug" });
    await eventually("the error", () => state.end !== undefined);
    expect(results).toMatchObject([
      { errors: [{ extensions: { code: "BAD_USER_INPUT", fields: [{ field: "product_id" }] } }] },
    ]);
  });
});

describe("a connection", () => {
  test("executes queries and mutations with the errors of HTTP", async () => {
    const send = (query: string, token?: string) =>
      new Promise<Result>((resolve, reject) => {
        connect(token).subscribe(
          { query },
          {
            next: (result) => {
              resolve(result as Result);
            },
            error: reject,
            complete: () => undefined,
          },
        );
      });
    expect(await send(`{ product(id: "${mug}") { name } }`)).toEqual({
      data: { product: { name: "Mug" } },
    });
    const order = `mutation { placeOrder(input: {
      order_products: [{ product_id: "${mug}", quantity: 1 }] }) { quantity } }`;
    expect(await send(order, bob.token)).toEqual({ data: { placeOrder: { quantity: 1 } } });
    expect((await send(order)).errors).toMatchObject([{ extensions: { code: "UNAUTHENTICATED" } }]);
    const invalid = send("{ nothing }");
    await expect(invalid).rejects.toMatchObject([
      { extensions: { code: "GRAPHQL_VALIDATION_FAILED" } },
    ]);
  });

  test.each([
    ["a query", "{ products { id } }"],
    ["a subscription that needs no token", "subscription { inventoryUpdated { number } }"],
  ])("with an invalid token is closed with 4403 and the reason, for %s", async (_title, query) => {
    const { state } = subscribe(query, "not-a-token");
    await eventually("the end of the connection", () => state.end !== undefined);
    const reason = "The token was not issued by this shop.";
    expect(state.end).toMatchObject({ code: 4403, reason });
  });
});
