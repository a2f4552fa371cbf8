import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { eventually } from "../../tools/support/eventually.ts";
import { ConnectionReader } from "../support/http/connections.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

interface User {
  id: string;
  token: string;
}

interface Node {
  __typename: string;
  id: string;
  number?: string;
}

let shop: TestShop;
let admin: User;
let ann: User;
let bob: User;
let mug: string;
let annsOrder: string;
let bobsOrder: string;

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  ann = await shop.signIn("ann");
  bob = await shop.signIn("bob");
  mug = await putOnSale(shop, 100, 10, "Mug");
  annsOrder = (await placeOrder(shop, ann.token, [mug, 1])).order?.id ?? "";
  bobsOrder = (await placeOrder(shop, bob.token, [mug, 2])).order?.id ?? "";
});
afterAll(() => shop.stop());

const fields = `__typename id ... on Order { number order_products { quantity } user { id } }
  ... on Product { name } ... on User { username }`;

async function nodes(ids: string[], token?: string) {
  const { data, errors, code } = await shop.graphql<{ nodes: (Node | null)[] }>(
    `query ($ids: [ID!]!) { nodes(ids: $ids) { ${fields} } }`,
    { variables: { ids }, token },
  );
  return { found: data?.nodes, errors, code };
}

/** Returns the type and the id of each node. */
async function typesOf(ids: string[], token?: string): Promise<(string | null)[]> {
  const { found, errors } = await nodes(ids, token);
  expect(errors).toBeUndefined();
  for (const [index, node] of (found ?? []).entries()) {
    if (node !== null) expect(node.id).toBe(ids[index]);
  }
  return (found ?? []).map((node) => node?.__typename ?? null);
}

/** How often each action has run for the gateway. */
function calls(): Map<string, number> {
  const metric = shop.broker.metrics.getMetric("moleculer.request.total");
  const series = metric?.snapshot() as unknown as { labels: { action: string }; value: number }[];
  const counts = new Map<string, number>();
  for (const { labels, value } of series) {
    counts.set(labels.action, (counts.get(labels.action) ?? 0) + value);
  }
  return counts;
}

describe("nodes", () => {
  test("returns the objects of all types in the order of the ids, and null for the others", async () => {
    const ids = [annsOrder, unknownId, mug, ann.id, bobsOrder, bob.id, mug];
    expect(await typesOf(ids, admin.token)).toEqual([
      "Order",
      null,
      "Product",
      "User",
      "Order",
      "User",
      "Product",
    ]);
    expect(await typesOf(ids, ann.token)).toEqual([
      "Order",
      null,
      "Product",
      "User",
      null,
      null,
      "Product",
    ]);
    expect(await typesOf(ids)).toEqual([null, null, "Product", null, null, null, "Product"]);
  });

  test("calls one action for each type, also for several fields of a request", async () => {
    const before = calls();
    const { data, errors } = await shop.graphql<Record<string, unknown>>(
      `query ($a: [ID!]!) { nodes(ids: $a) { id } a: node(id: "${mug}") { id } b: node(id: "${annsOrder}") { id } }`,
      { variables: { a: [annsOrder, bobsOrder, mug, ann.id] }, token: admin.token },
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ a: { id: mug }, b: { id: annsOrder } });
    for (const action of ["users.resolve", "products.resolve", "orders.resolve"]) {
      const after = calls().get(action) ?? 0;
      expect({ action, calls: after - (before.get(action) ?? 0) }).toEqual({ action, calls: 1 });
    }
  });

  test("loads the joins of the objects", async () => {
    const { found } = await nodes([annsOrder], ann.token);
    expect(found).toMatchObject([{ order_products: [{ quantity: 1 }], user: { id: ann.id } }]);
  });

  test("rejects more than 100 ids, and reports an invalid id in its place", async () => {
    expect(await typesOf(Array<string>(100).fill(mug))).toHaveLength(100);
    expect((await nodes(Array<string>(101).fill(mug))).code).toBe("BAD_USER_INPUT");
    const { found, errors } = await nodes([mug, "mug", mug]);
    expect(found?.map((node) => node?.id)).toEqual([mug, undefined, mug]);
    expect(errors).toMatchObject([
      { path: ["nodes", 1], extensions: { code: "BAD_USER_INPUT", fields: [{ field: "ids[1]" }] } },
    ]);
  });

  test("returns an expired or invalid token as an error, except for public objects", async () => {
    const { found, errors } = await nodes([annsOrder, mug], "not.a.token");
    expect(found?.map((node) => node?.id)).toEqual([undefined, mug]);
    expect(errors).toMatchObject([{ path: ["nodes", 0], extensions: { code: "UNAUTHENTICATED" } }]);
  });
});

describe("an order's number", () => {
  interface Order {
    id: string;
    number: string;
    user_id: string;
  }
  const numberOf = async (id: string) =>
    (await nodes([id], admin.token)).found?.[0]?.number ?? "none";

  test("is the same in all types, and finds the order", async () => {
    const number = await numberOf(annsOrder);
    expect(number).toMatch(/^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}$/);
    const { data } = await shop.graphql<{ orders: Order[] }>("{ orders(limit: 2) { id number } }", {
      token: ann.token,
    });
    expect(data?.orders).toEqual([{ id: annsOrder, number }]);
    const all = new ConnectionReader<Order>(shop, "ordersConnection", admin.token);
    for (const filter of [
      { number },
      { number: number.toLowerCase().replaceAll("-", "") },
      { number: ` ${number.replaceAll("-", " ")}` },
      { number, userId: ann.id },
      { number, placedFrom: "2026-01-01T00:00:00Z", status: "PLACED" },
      { number, priceTotalMin: 1 },
    ]) {
      expect(await all.ids({ filter })).toEqual([annsOrder]);
    }
    expect(await all.ids({ filter: { number, userId: bob.id } })).toEqual([]);
    expect(await all.ids({ filter: { number, placedBefore: "2026-01-01T00:00:00Z" } })).toEqual([]);
    const bobs = new ConnectionReader<Order>(shop, "ordersConnection", bob.token);
    expect(await bobs.ids({ filter: { number } })).toEqual([]);
    await expect(all.ids({ filter: { number: "mug" } })).rejects.toThrow('"field":"number"');
    const count = `{ ordersConnection(filter: { number: "${number}" }) { totalCount } }`;
    expect((await shop.graphql(count, { token: admin.token })).data).toEqual({
      ordersConnection: { totalCount: 1 },
    });
  });
});

describe("renamed names", () => {
  test("work in filters like the old ones, and errors have the name that was sent", async () => {
    const products = new ConnectionReader<{ id: string }>(shop, "productsConnection");
    for (const filter of [
      { priceMin: 10, priceMax: 10, inStock: true },
      { price_min: 10, price_max: 10, in_stock: true },
      { priceMin: 10, price_min: 10 },
    ]) {
      expect(await products.ids({ filter })).toEqual([mug]);
    }
    expect(await products.ids({ filter: { priceMin: 11 } })).toEqual([]);
    await expect(products.ids({ filter: { priceMin: -1 } })).rejects.toThrow('"field":"priceMin"');
    await expect(products.ids({ filter: { priceMin: 1, price_min: 2 } })).rejects.toThrow(
      "BAD_USER_INPUT",
    );
    const orders = new ConnectionReader<{ id: string }>(shop, "ordersConnection", admin.token);
    expect(await orders.ids({ filter: { userId: bob.id } })).toEqual([bobsOrder]);
    await expect(orders.ids({ filter: { priceTotalMin: 1 } })).rejects.toThrow(
      "'priceTotalMin' field requires 'userId', 'placedFrom' or 'number'",
    );
  });

  test("work in a subscription and its events", async () => {
    const cup = await putOnSale(shop, 100, 10, "Cup");
    const url = `${shop.url.replace("http", "ws")}/graphql`;
    const client = createClient({ url, webSocketImpl: WebSocket });
    try {
      const query = `subscription ($id: UUID) {
        inventoryUpdated(productId: $id) { productId product_id change }
      }`;
      const updates = client.iterate({ query, variables: { id: mug.toUpperCase() } });
      const first = updates.next();
      await eventually("the subscription", () => subscriptionsTo(shop, "inventory.updated") > 0);
      await shop.call("products.updateInventory", { id: cup, type: 1, number: 1 });
      await shop.call("products.updateInventory", { id: mug, type: 2, number: 1 });
      const { value } = (await first) as { value: { data: unknown } };
      expect(value.data).toEqual({
        inventoryUpdated: { productId: mug, product_id: mug, change: "SUBTRACTED" },
      });
      await updates.return?.();
    } finally {
      await client.dispose();
    }
  });
});

// The last test, because the service does not come back.
test("an unavailable service fails only the nodes that it could have", async () => {
  await shop.broker.destroyService("orders");
  const { found, errors } = await nodes([mug, annsOrder], admin.token);
  expect(found?.map((node) => node?.id)).toEqual([mug, undefined]);
  expect(errors).toMatchObject([
    { path: ["nodes", 1], extensions: { code: "SERVICE_UNAVAILABLE" } },
  ]);
});
