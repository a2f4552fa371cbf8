import { createHash } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { ApolloClient, HttpLink, InMemoryCache, gql, type ApolloLink } from "@apollo/client/core";
import { createPersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { ClientError, GraphQLClient } from "graphql-request";
import { createClient, type Client as SocketClient, type Sink } from "graphql-ws";
import { WebSocket } from "ws";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** The clients that people have, as they come, against the shop as it is by default. */
let shop: TestShop;
let mug: string;
let token: string;
/** What the gateway was asked: method and path. */
const asked: string[] = [];
const sockets: SocketClient[] = [];

beforeAll(async () => {
  shop = await startTestShop();
  mug = await putOnSale(shop, 100, 5);
  ({ token } = await shop.signIn("ann"));
  const { server } = shop.broker.getLocalService("api") as unknown as { server: Server };
  server.prependListener("request", ({ method, url }: IncomingMessage) => {
    asked.push(`${method ?? ""} ${url?.split("?")[0] ?? ""}`);
  });
});
afterAll(() => shop.stop());
afterEach(async () => {
  asked.length = 0;
  for (const socket of sockets.splice(0)) await socket.dispose();
});

const headers = () => ({ authorization: token });
const endpoint = () => `${shop.url}/graphql`;

function socketClient(): SocketClient {
  const client = createClient({
    url: endpoint().replace("http", "ws"),
    webSocketImpl: WebSocket,
    connectionParams: headers(),
  });
  sockets.push(client);
  return client;
}

const productQuery = "query ($id: ID!) { product(id: $id) { name price } }";
const unknownId = "01900000-0000-7000-8000-000000000000";
const orderMutation =
  "mutation ($input: PlaceOrder!) { placeOrder(input: $input) { quantity price_total } }";
const input = (quantity: number) => ({ order_products: [{ product_id: mug, quantity }] });
const subscription = "subscription { orderPlaced { quantity } }";
const orderOfTwo = { quantity: 2, price_total: 10 };

/** Places orders until one is told: when a subscription begins, its client does not say. */
async function orderUntil(isTold: () => boolean): Promise<void> {
  await eventually("an order is told", async () => {
    await placeOrder(shop, token, [mug, 1]);
    return isTold();
  });
}

describe("graphql-request", () => {
  test("asks, orders, and says why not", async () => {
    const client = new GraphQLClient(endpoint(), { headers: headers() });
    expect(await client.request(productQuery, { id: mug })).toEqual({
      product: { name: "Mug", price: 5 },
    });
    expect(await client.request(orderMutation, { input: input(2) })).toEqual({
      placeOrder: orderOfTwo,
    });
    const refused = client.request(orderMutation, { input: input(1_000_000) });
    await expect(refused).rejects.toThrow(ClientError);
    await expect(refused).rejects.toMatchObject({
      response: { status: 200, errors: [{ extensions: { code: "OUT_OF_STOCK", left: 98 } }] },
    });
    await expect(client.request("{ nothing }")).rejects.toMatchObject({
      response: { errors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] },
    });
  });

  test("asks by GET", async () => {
    const client = new GraphQLClient(endpoint(), { method: "GET" });
    const answer = await client.request<unknown>(productQuery, { id: mug });
    expect(answer).toEqual({ product: { name: "Mug", price: 5 } });
    expect(asked).toEqual(["GET /graphql"]);
  });
});

describe("urql", () => {
  function connect(preferGetMethod: boolean): UrqlClient {
    const socket = socketClient();
    const forwardSubscription = subscriptionExchange({
      forwardSubscription: ({ query = "", variables }) => ({
        subscribe: (sink) => ({
          unsubscribe: socket.subscribe({ query, variables }, sink as Sink),
        }),
      }),
    });
    return new UrqlClient({
      url: endpoint(),
      preferGetMethod,
      fetchOptions: { headers: headers() },
      exchanges: [forwardSubscription, fetchExchange],
    });
  }

  test.each([
    [false, "POST /graphql"],
    [true, "GET /graphql"],
  ])("asks (by GET: %j), orders, and says why not", async (byGet, request) => {
    const client = connect(byGet);
    const answer = await client.query<unknown>(productQuery, { id: mug });
    expect(answer).toMatchObject({ data: { product: { name: "Mug" } }, error: undefined });
    expect(asked).toEqual([request]);
    const ordered = await client.mutation(orderMutation, { input: input(2) });
    expect(ordered.data).toMatchObject({ placeOrder: orderOfTwo });
    const refused = await client.query(productQuery, { id: unknownId });
    expect(refused.error?.graphQLErrors).toMatchObject([
      { path: ["product"], extensions: { code: "PRODUCT_NOT_FOUND" } },
    ]);
    const broken = await client.query("{ nothing }", {});
    expect(broken.error?.graphQLErrors[0]?.extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
  });

  test("subscribes", async () => {
    const told: unknown[] = [];
    const subscribed = connect(false)
      .subscription<unknown>(subscription, {})
      .subscribe(({ data }) => told.push(data));
    await orderUntil(() => told.length > 0);
    expect(told[0]).toMatchObject({ orderPlaced: { quantity: expect.any(Number) } });
    subscribed.unsubscribe();
  });
});

describe("Apollo Client", () => {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

  const http = () => new HttpLink({ uri: endpoint(), headers: headers() });
  const connect = (link: ApolloLink) => new ApolloClient({ link, cache: new InMemoryCache() });

  test("asks, orders, and says why not", async () => {
    const client = connect(http());
    const query = gql(productQuery);
    const { data } = await client.query<unknown>({ query, variables: { id: mug } });
    expect(data).toMatchObject({ product: { name: "Mug", price: 5 } });
    const mutation = gql(orderMutation);
    const ordered = await client.mutate({ mutation, variables: { input: input(2) } });
    expect(ordered.data).toMatchObject({ placeOrder: orderOfTwo });
    await expect(client.query({ query, variables: { id: unknownId } })).rejects.toMatchObject({
      graphQLErrors: [{ extensions: { code: "PRODUCT_NOT_FOUND" } }],
    });
    await expect(client.query({ query: gql("{ nothing }") })).rejects.toMatchObject({
      graphQLErrors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }],
    });
  });

  test.each([
    [false, ["POST /graphql", "POST /graphql", "POST /graphql"]],
    [true, ["GET /graphql", "POST /graphql", "GET /graphql"]],
  ])("asks by hash (by GET: %j), and sends the document once", async (byGet, requests) => {
    const byHash = createPersistedQueryLink({ sha256, useGETForHashedQueries: byGet });
    const client = connect(byHash.concat(http()));
    const query = gql(
      `query ($id: ID!) { product(id: $id) { ${byGet ? "stock" : "description"} } }`,
    );
    for (let n = 0; n < 2; n += 1) {
      const answer = await client.query<unknown>({
        query,
        variables: { id: mug },
        fetchPolicy: "no-cache",
      });
      expect(answer.data).toMatchObject({ product: expect.anything() });
    }
    expect(asked).toEqual(requests);
  });

  test("subscribes", async () => {
    const told: unknown[] = [];
    const client = connect(new GraphQLWsLink(socketClient()));
    const subscribed = client
      .subscribe<unknown>({ query: gql(subscription) })
      .subscribe(({ data }) => told.push(data));
    await orderUntil(() => told.length > 0);
    expect(told[0]).toMatchObject({ orderPlaced: { quantity: expect.any(Number) } });
    subscribed.unsubscribe();
  });
});

describe("graphql-ws", () => {
  test("asks, orders, and says why not", async () => {
    const client = socketClient();
    const first = async (query: string, variables: Record<string, unknown> = {}) => {
      const { value } = (await client.iterate({ query, variables }).next()) as { value: unknown };
      return value;
    };
    expect(await first(productQuery, { id: mug })).toMatchObject({
      data: { product: { name: "Mug" } },
    });
    const ordered = await first(orderMutation, { input: input(2) });
    expect(ordered).toMatchObject({ data: { placeOrder: orderOfTwo } });
    expect(await first(productQuery, { id: unknownId })).toMatchObject({
      errors: [{ extensions: { code: "PRODUCT_NOT_FOUND" } }],
    });
    await expect(first("{ nothing }")).rejects.toMatchObject([
      { extensions: { code: "GRAPHQL_VALIDATION_FAILED" } },
    ]);
  });

  test("subscribes by the WebSocket that Node brings", async () => {
    const client = createClient({
      url: endpoint().replace("http", "ws"),
      webSocketImpl: globalThis.WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
    });
    sockets.push(client);
    const told: unknown[] = [];
    const stop = client.subscribe(
      { query: subscription },
      {
        next: (result) => told.push(result),
        error: (error) => told.push(error),
        complete: () => undefined,
      },
    );
    await orderUntil(() => told.length > 0);
    expect(told[0]).toEqual({ data: { orderPlaced: { quantity: expect.any(Number) } } });
    stop();
  });
});
