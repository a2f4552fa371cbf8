import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { WebSocket } from "ws";
import {
  isShopError,
  memoryTokenStore,
  MeDocument,
  OrderPlacedDocument,
  OrdersDocument,
  PlaceOrderDocument,
  ProductDocument,
  RegisterDocument,
  ShopClient,
  type ShopClientOptions,
  type TokenStore,
} from "../../clients/typescript/src/index.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

/** The typed client against a shop with default settings. */
let shop: TestShop;
let mug: string;
beforeAll(async () => {
  shop = await startTestShop();
  mug = await putOnSale(shop, 100, 5);
});
afterAll(() => shop.stop());

const input = (quantity: number) => ({ order_products: [{ product_id: mug, quantity }] });

/** Registers a user over GraphQL and signs in. */
async function signedIn(name: string, options: Partial<ShopClientOptions> = {}) {
  const tokenStore = memoryTokenStore();
  const client = new ShopClient({ url: `${shop.url}/graphql`, tokenStore, ...options });
  const email = `${name}@example.com`;
  await client.execute(RegisterDocument, { input: { email, username: name, password, type: 0 } });
  await client.signIn({ email, password });
  return { client, tokenStore: options.tokenStore ?? tokenStore };
}

/** Replaces the access token by one that the shop rejects. */
async function spoilToken(store: TokenStore) {
  const session = await store.get();
  if (session === undefined) throw new Error("There is no session.");
  await store.set({ ...session, token: "expired" });
}

test("an order whose answer is lost is placed once", async () => {
  let isLost = false;
  const losing: typeof fetch = async (...request) => {
    const response = await fetch(...request);
    const [, { body } = {}] = request;
    if (isLost || typeof body !== "string" || !body.includes("placeOrder")) return response;
    isLost = true;
    throw new TypeError("The answer was lost.");
  };
  const { client } = await signedIn("ben", { fetch: losing, retry: { baseMs: 1 } });
  const { placeOrder } = await client.execute(PlaceOrderDocument, { input: input(2) });
  const { ordersConnection } = await client.execute(OrdersDocument);
  expect([isLost, ordersConnection.nodes]).toEqual([true, [placeOrder]]);
});

test("errors have the details that their types promise", async () => {
  const { client } = await signedIn("cara");
  const failed = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(() => undefined).catch((error: unknown) => error);
  const shortage = await failed(client.execute(PlaceOrderDocument, { input: input(1_000) }));
  if (!isShopError(shortage, "OUT_OF_STOCK")) throw shortage;
  expect(shortage.details).toEqual({ product_id: mug, asked: 1_000, left: expect.any(Number) });
  expect(shortage.path).toEqual(["placeOrder"]);
  const invalid = await failed(client.execute(ProductDocument, { id: "mug" }));
  if (!isShopError(invalid)) throw invalid;
  expect([invalid.code, invalid.fields.map(({ field }) => field)]).toEqual([
    "BAD_USER_INPUT",
    ["id"],
  ]);
});

describe("a session", () => {
  test("is renewed when the shop rejects the access token", async () => {
    const { client, tokenStore } = await signedIn("dan");
    await spoilToken(tokenStore);
    const answers = await Promise.all([client.execute(MeDocument), client.execute(MeDocument)]);
    expect(answers.map(({ me }) => me?.username)).toEqual(["dan", "dan"]);
  });

  test("ends for the client when the shop has ended it", async () => {
    const onSignedOut = jest.fn();
    const { client, tokenStore } = await signedIn("eva", { onSignedOut });
    const token = (await tokenStore.get())?.token;
    await shop.graphql("mutation { logoutEverywhere { success } }", { token });
    await spoilToken(tokenStore);
    await expect(client.execute(MeDocument)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(await client.execute(MeDocument)).toEqual({ me: null });
  });
});

test("a subscription delivers the events that occur while it is not connected", async () => {
  const store = memoryTokenStore();
  let mayConnect = Promise.resolve();
  const sockets: WebSocket[] = [];
  class TestSocket extends WebSocket {
    constructor(...parameters: ConstructorParameters<typeof WebSocket>) {
      super(...parameters);
      sockets.push(this);
    }
  }
  const { client } = await signedIn("finn", {
    tokenStore: {
      get: () => mayConnect.then(() => store.get()),
      set: (session) => store.set(session),
    },
    webSocket: TestSocket,
    reconnect: { baseMs: 1 },
  });
  const buyer = new ShopClient({ url: `${shop.url}/graphql`, tokenStore: store });
  const order = async (quantity: number) =>
    (await buyer.execute(PlaceOrderDocument, { input: input(quantity) })).placeOrder.id;
  const events = client.subscribe(OrderPlacedDocument);
  const nextId = async () => {
    const { done, value } = await events.next();
    return done ? undefined : value.orderPlaced.id;
  };

  const first = nextId();
  await eventually("the subscription", () => subscriptionsTo(shop, "order.placed") === 1);
  expect(await order(1)).toBe(await first);

  const gate = Promise.withResolvers<undefined>();
  mayConnect = gate.promise;
  sockets[0]?.terminate();
  const second = nextId();
  await eventually("the next connection", () => sockets.length === 2);
  const missed = [await order(2), await order(3)];
  gate.resolve(undefined);
  expect([await second, await nextId()]).toEqual(missed);
  await events.return();
});

test("a gateway stops although its clients subscribe again at once", async () => {
  const replica = await startTestShop({}, shop.databases);
  const { client } = await signedIn("otto", {
    url: `${replica.url}/graphql`,
    reconnect: { baseMs: 1, maxMs: 1, attempts: 1_000_000 },
  });
  const control = new AbortController();
  const watching = (async () => {
    const events = client.subscribe(OrderPlacedDocument, {}, { signal: control.signal });
    for await (const event of events) throw new Error(`unexpected: ${JSON.stringify(event)}`);
  })().catch((error: unknown) => {
    if (!control.signal.aborted) throw error;
  });
  await eventually("the subscription", () => subscriptionsTo(replica, "order.placed") === 1);
  let isStopped = false;
  const stopping = replica.stop().then(() => (isStopped = true));
  await eventually("the stop", () => isStopped);
  control.abort();
  await Promise.all([stopping, watching]);
  await client.close();
});
