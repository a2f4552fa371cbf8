import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createClient } from "graphql-sse";
import { eventually } from "../../tools/support/eventually.ts";
import { openStream, streamed, type OpenStream } from "../support/http/event-stream.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let mug: string;
let ann: { id: string; token: string };
let bob: { id: string; token: string };
let admin: { id: string; token: string };
const open: OpenStream[] = [];

beforeAll(async () => {
  shop = await startTestShop({ CORS_ORIGINS: "https://app.example" });
  mug = await putOnSale(shop, 10_000, 5);
  ann = await shop.signIn("ann");
  bob = await shop.signIn("bob");
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());
afterEach(async () => {
  for (const stream of open.splice(0)) stream.close();
  for (const type of ["order.placed", "inventory.updated"]) await untilSubscribed(type, 0);
});

async function untilSubscribed(type: string, count: number): Promise<void> {
  await eventually("the number of subscriptions", () => subscriptionsTo(shop, type) === count);
}

async function subscribe(
  ...args: Parameters<typeof openStream> extends [string, ...infer Rest] ? Rest : never
) {
  const stream = await openStream(shop.url, ...args);
  open.push(stream);
  return stream;
}

async function addStock(number: number): Promise<void> {
  await shop.call("products.updateInventory", { id: mug, type: 1, number });
}

const placed =
  "subscription ($after: String) { orderPlaced(after: $after) { id quantity cursor } }";
const updated =
  "subscription ($after: String) { inventoryUpdated(after: $after) { number cursor } }";
const code = (code: string) => ({ errors: [{ extensions: { code } }] });

describe("an event stream", () => {
  test("sends events of a subscription by POST and by GET, which the client ends", async () => {
    const byPost = await subscribe(placed, { token: ann.token });
    const byGet = await subscribe("subscription { inventoryUpdated { number } }", { isGet: true });
    expect(byPost.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(byPost.response.headers.get("cache-control")).toBe("no-store, no-transform");
    // The response begins when the subscription has begun.
    expect(subscriptionsTo(shop, "order.placed")).toBe(1);
    expect(subscriptionsTo(shop, "inventory.updated")).toBe(1);
    const { order } = await placeOrder(shop, ann.token, [mug, 2]);
    await placeOrder(shop, bob.token, [mug, 1]);
    await eventually("both sales", () => byGet.events.length === 2);
    expect(byPost.events).toMatchObject([
      { event: "next", data: { data: { orderPlaced: { id: order?.id, quantity: 2 } } } },
    ]);
    expect(byPost.events[0]?.id).toBe(byPost.events[0]?.data?.data?.orderPlaced?.cursor);
    expect(byGet.events.map(({ data }) => data?.data?.inventoryUpdated?.number)).toEqual([-2, -1]);
    byPost.close();
    byGet.close();
    await untilSubscribed("order.placed", 0);
  });

  test("sends a query and a mutation as one event, and completes", async () => {
    const query = await streamed(shop.url, `{ product(id: "${mug}") { name } }`, { isGet: true });
    const complete = { event: "complete", id: undefined, data: null };
    const answer = { data: { product: { name: "Mug" } } };
    expect(query).toEqual([{ event: "next", id: undefined, data: answer }, complete]);
    const mutation = `mutation { placeOrder(input: {
      order_products: [{ product_id: "${mug}", quantity: 1 }] }) { quantity } }`;
    const ordered = await streamed(shop.url, mutation, { token: bob.token });
    expect(ordered).toMatchObject([{ data: { data: { placeOrder: { quantity: 1 } } } }, complete]);
  });

  test.each<[string, string, object, string]>([
    ["a syntax error", "{", {}, "GRAPHQL_PARSE_FAILED"],
    ["an unknown field", "subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"],
    ["a missing token", placed, {}, "UNAUTHENTICATED"],
    ["an invalid token", updated, { token: "x" }, "UNAUTHENTICATED"],
    ["an invalid cursor", updated, { variables: { after: "x" } }, "BAD_USER_INPUT"],
    ["an invalid Last-Event-ID", updated, { headers: { "last-event-id": "x" } }, "BAD_USER_INPUT"],
  ])(
    "sends the error of %s as an event with status 200",
    async (_title, query, request, expected) => {
      const stream = await subscribe(query, request);
      await eventually("the end of the stream", () => stream.isEnded());
      expect(stream.response.status).toBe(200);
      expect(stream.events).toMatchObject([
        { event: "next", data: code(expected) },
        { event: "complete" },
      ]);
    },
  );

  test.each<[number, string, RequestInit]>([
    [403, "a foreign origin", { headers: { origin: "https://evil.example" } }],
    [405, "a subscription by HEAD", { method: "HEAD" }],
    [400, "a subscription without text/event-stream", { headers: { accept: "*/*" } }],
    [400, "an invalid body", { method: "POST", body: "{" }],
    [400, "a body without a document", { method: "POST", body: "{}" }],
    [
      400,
      "variables that are no object",
      { method: "POST", body: '{"query":"{a}","variables":1}' },
    ],
    [405, "another method", { method: "PUT", body: "{}" }],
  ])("is rejected with %i for %s", async (status, _title, { headers, ...init }) => {
    const url = `${shop.url}/graphql?query=${encodeURIComponent(updated)}`;
    const type = { "content-type": "application/json", accept: "text/event-stream" };
    const response = await fetch(url, { headers: { ...type, ...(headers as object) }, ...init });
    expect(response.status).toBe(status);
    if (init.method !== "HEAD") {
      expect(await response.json()).toMatchObject(code("BAD_REQUEST"));
    }
  });

  test.each(["", "?variables={}", "?query=%7Ba%7D&extensions=1"])(
    "is rejected with 400 for a GET of /graphql%s",
    async (search) => {
      const headers = { accept: "text/event-stream" };
      const response = await fetch(`${shop.url}/graphql${search}`, { headers });
      expect(response.status).toBe(400);
      expect(response.headers.get("content-type")).toMatch("application/json");
      expect(await response.json()).toMatchObject(code("BAD_REQUEST"));
    },
  );

  test("may be read by pages of listed origins", async () => {
    const origin = "https://app.example";
    const stream = await subscribe(updated, { isGet: true, headers: { origin } });
    expect(stream.response.headers.get("access-control-allow-origin")).toBe(origin);
  });

  test("ends with UNAUTHENTICATED within five seconds after a logout", async () => {
    const eve = await shop.signIn("eve");
    const stream = await subscribe(updated, { token: eve.token });
    await shop.graphql("mutation { logoutEverywhere { success } }", { token: eve.token });
    await eventually("the end of the stream", () => stream.isEnded());
    expect(stream.events).toMatchObject([
      { event: "next", data: code("UNAUTHENTICATED") },
      { event: "complete" },
    ]);
  });

  test("is read by the client of graphql-sse", async () => {
    const client = createClient({
      url: `${shop.url}/graphql`,
      headers: { authorization: ann.token },
      retryAttempts: 0,
    });
    const iterator = client.iterate({ query: placed });
    const first = iterator.next();
    await untilSubscribed("order.placed", 1);
    const { order } = await placeOrder(shop, ann.token, [mug, 3]);
    expect(await first).toMatchObject({ value: { data: { orderPlaced: { id: order?.id } } } });
    await iterator.return?.();
    const query = client.iterate({ query: "{ nothing }" });
    expect(await query.next()).toMatchObject({
      value: { errors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] },
    });
    client.dispose();
  });
});

describe("a cursor", () => {
  test("continues a subscription behind its event, and behind Last-Event-ID", async () => {
    const first = await subscribe(updated);
    await addStock(1);
    // Sales of earlier orders can come before and after it.
    const { id } = await eventually("the first change", () =>
      first.events.find(({ data }) => data?.data?.inventoryUpdated?.number === 1),
    );
    first.close();
    await untilSubscribed("inventory.updated", 0);
    for (let number = 2; number <= 150; number += 1) await addStock(number);
    const byVariable = await subscribe(updated, { variables: { after: id } });
    const byHeader = await subscribe(updated, {
      headers: { "last-event-id": id ?? "" },
      isGet: true,
    });
    await addStock(151);
    const expected = Array.from({ length: 150 }, (_, index) => index + 2);
    for (const { events } of [byVariable, byHeader]) {
      const added = () =>
        events
          .map(({ data }) => Number(data?.data?.inventoryUpdated?.number))
          .filter((number) => number > 0);
      await eventually("all changes", () => added().length >= expected.length);
      expect(added()).toEqual(expected);
    }
  });

  test("gives users only their own missed orders, and works for both subscriptions of orders", async () => {
    const watching = await subscribe(placed, { token: admin.token });
    const { order: before } = await placeOrder(shop, ann.token, [mug, 1]);
    await eventually("the order", () => watching.events.length === 1);
    watching.close();
    const { order: ofAnn } = await placeOrder(shop, ann.token, [mug, 1]);
    const { order: ofBob } = await placeOrder(shop, bob.token, [mug, 1]);
    await shop.call("orders.ship", { id: before?.id });
    const variables = { after: watching.events[0]?.id };
    const [forAnn, forBob, forAdmin] = await Promise.all(
      [ann, bob, admin].map(({ token }) => subscribe(placed, { token, variables })),
    );
    const changed = "subscription ($after: String) { orderUpdated(after: $after) { id status } }";
    const changes = await subscribe(changed, { token: ann.token, variables });
    const idsOf = (stream?: OpenStream) =>
      stream?.events.map(({ data }) => data?.data?.orderPlaced?.id);
    await eventually("the missed orders of the admin", () => forAdmin?.events.length === 2);
    expect(idsOf(forAdmin)).toEqual([ofAnn?.id, ofBob?.id]);
    await eventually("the missed orders", () => forAnn?.events.length === 1);
    expect(idsOf(forAnn)).toEqual([ofAnn?.id]);
    await eventually("the missed orders", () => forBob?.events.length === 1);
    expect(idsOf(forBob)).toEqual([ofBob?.id]);
    await eventually("the missed change", () => changes.events.length === 1);
    expect(changes.events[0]?.data).toEqual({
      data: { orderUpdated: { id: before?.id, status: "SHIPPED" } },
    });
  });

  test("of another producer is BAD_USER_INPUT, and one whose events are pruned is CURSOR_EXPIRED", async () => {
    const watching = await subscribe(updated);
    await addStock(1);
    await eventually("the change", () => watching.events.length === 1);
    watching.close();
    const variables = { after: watching.events[0]?.id };
    const foreign = await streamed(shop.url, placed, { token: ann.token, variables });
    expect(foreign).toMatchObject([{ data: code("BAD_USER_INPUT") }, {}]);
    await addStock(1);
    // As pruning does.
    await shop.databases.query("products", "UPDATE event_log_head SET pruned_to = position");
    const expired = await streamed(shop.url, updated, { variables });
    await shop.databases.query("products", "UPDATE event_log_head SET pruned_to = 0");
    expect(expired).toMatchObject([{ data: code("CURSOR_EXPIRED") }, { event: "complete" }]);
  });

  test("is null outside of subscriptions", async () => {
    const { data } = await shop.graphql(
      `mutation { placeOrder(input: { order_products: [{ product_id: "${mug}", quantity: 1 }] }) { cursor } }`,
      { token: ann.token },
    );
    expect(data).toEqual({ placeOrder: { cursor: null } });
  });
});
