import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";

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

/** A client of its own, with or without a token. */
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

/** Subscribes, and gathers what comes. */
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

/** Waits until the gateway has taken so many more subscriptions than before. */
async function taken(type: string, count: number): Promise<void> {
  await eventually("the subscriptions are taken", () => subscriptionsTo(shop, type) === count);
}

describe("orderPlaced", () => {
  const query = "subscription { orderPlaced { id user_id quantity order_products { name } } }";

  test("tells customers of their own orders, admins of all, and strangers of none", async () => {
    const [forAnn, forBob, forAdmin] = [ann, bob, admin].map(({ token }) =>
      subscribe(query, token),
    );
    const forNobody = subscribe(query);
    await taken("order.placed", 3);
    const { order: first } = await placeOrder(shop, ann.token, [mug, 1]);
    const { order: second } = await placeOrder(shop, bob.token, [mug, 2]);
    await eventually("all is told", () => forAdmin?.results.length === 2);
    await eventually("all is told", () => forAnn?.results.length === 1);
    await eventually("all is told", () => forBob?.results.length === 1);
    const told = (order: unknown, user: string, quantity: number) => ({
      data: {
        orderPlaced: {
          id: (order as { id: string }).id,
          user_id: user,
          quantity,
          order_products: [{ name: "Mug" }],
        },
      },
    });
    expect(forAnn?.results).toEqual([told(first, ann.id, 1)]);
    expect(forBob?.results).toEqual([told(second, bob.id, 2)]);
    expect(forAdmin?.results).toEqual([told(first, ann.id, 1), told(second, bob.id, 2)]);
    await eventually("the stranger is refused", () => forNobody.state.end !== undefined);
    expect(forNobody.results).toMatchObject([
      { errors: [{ extensions: { code: "UNAUTHENTICATED" } }] },
    ]);
    for (const subscription of [forAnn, forBob, forAdmin]) subscription?.stop();
    await taken("order.placed", 0);
  });

  test("tells nobody who was an admin of others' orders any more, within five seconds", async () => {
    const boss = await shop.signIn("boss", 1);
    const theirs = subscribe(query, boss.token);
    await taken("order.placed", 1);
    await placeOrder(shop, ann.token, [mug, 1]);
    await eventually("it is told", () => theirs.results.length === 1);
    const spy = jest.spyOn(shop.broker, "call");
    await shop.call("users.setType", { id: boss.id, type: 0 });
    const polls = () => spy.mock.calls.filter(([name]) => name === "users.endedSessions").length;
    // As often as it is asked in five seconds, and nothing else has to happen.
    await eventually("the connection ends", () => theirs.state.end !== undefined);
    expect(polls()).toBeLessThanOrEqual(3);
    spy.mockRestore();
    expect(theirs.state.end).toMatchObject({ code: 4403 });
    await taken("order.placed", 0);
  });

  test("ends when nobody can say whether its session goes on", async () => {
    const call = shop.broker.call.bind(shop.broker);
    const theirs = subscribe(query, admin.token);
    await taken("order.placed", 1);
    const spy = jest
      .spyOn(shop.broker, "call")
      .mockImplementation(((name: string, ...rest: [object?, object?]) =>
        name === "users.endedSessions"
          ? Promise.reject(new Error("away"))
          : call(name, ...rest)) as typeof shop.broker.call);
    await eventually("it ends", async () => {
      await placeOrder(shop, ann.token, [mug, 1]);
      return theirs.state.end !== undefined;
    });
    const refused = subscribe(query, admin.token);
    await eventually("another is refused", () => refused.state.end !== undefined);
    spy.mockRestore();
    const codes = [theirs, refused].map(({ results }) =>
      results.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions?.code)).at(-1),
    );
    const ends = [theirs, refused].map(({ state }) => state.end);
    expect(JSON.stringify([codes, ends])).toMatch(/SERVICE_UNAVAILABLE.*SERVICE_UNAVAILABLE/);
    await eventually("it is known again", async () => {
      const again = subscribe(query, admin.token);
      const isTaken = () => subscriptionsTo(shop, "order.placed") === 1;
      await eventually("an answer", () => again.state.end !== undefined || isTaken());
      again.stop();
      return again.state.end === undefined;
    });
    await taken("order.placed", 0);
  });

  test("ends when its connection does", async () => {
    const client = connect(ann.token);
    client.subscribe(
      { query },
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    await taken("order.placed", 1);
    client.terminate();
    await taken("order.placed", 0);
  });
});

describe("inventoryUpdated", () => {
  const query = `subscription ($id: ID) {
    inventoryUpdated(product_id: $id) { product_id change number product { name stock } }
  }`;

  test("tells everybody of one product, or of all, with the stock of that moment", async () => {
    const lamp = await putOnSale(shop, 7, 5, "Lamp");
    const ofAll = subscribe(query);
    const ofLamp = subscribe(query, undefined, { id: lamp.toUpperCase() });
    await taken("inventory.updated", 2);
    await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
    await shop.call("products.updateInventory", { id: lamp, type: 2, number: 3 });
    await shop.call("products.updateInventory", { id: lamp, type: 3, number: 0 });
    await eventually(
      "all is told",
      () => ofAll.results.length === 3 && ofLamp.results.length === 2,
    );
    expect(ofLamp.results).toEqual([
      {
        data: {
          inventoryUpdated: {
            product_id: lamp,
            change: "SUBTRACTED",
            number: -3,
            // Or null, when it was gone before it was told.
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
    await taken("inventory.updated", 0);
  });

  test("refuses an id that is none", async () => {
    const { results, state } = subscribe(query, undefined, { id: "mug" });
    await eventually("it is refused", () => state.end !== undefined);
    expect(results).toMatchObject([
      { errors: [{ extensions: { code: "BAD_USER_INPUT", fields: [{ field: "product_id" }] } }] },
    ]);
  });
});

describe("a connection", () => {
  test("takes queries and mutations, too, with the same errors", async () => {
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
    const broken = send("{ nothing }");
    await expect(broken).rejects.toMatchObject([
      { extensions: { code: "GRAPHQL_VALIDATION_FAILED" } },
    ]);
  });

  test("with a token that is none is not taken", async () => {
    const { state } = subscribe("{ products { id } }", "not-a-token");
    await eventually("it is closed", () => state.end !== undefined);
    expect(state.end).toMatchObject({ code: 4403 });
  });
});
