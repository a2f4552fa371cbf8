import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import {
  ApolloClient,
  HttpLink,
  InMemoryCache,
  gql,
  type ApolloLink,
} from "@apollo/client/core/index.js";
import { createPersistedQueryLink } from "@apollo/client/link/persisted-queries/index.js";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions/index.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { ClientError, GraphQLClient } from "graphql-request";
import { createClient, type Client as SocketClient, type Sink } from "graphql-ws";
import { WebSocket } from "ws";
import { eventually } from "../../tools/support/eventually.ts";
import { inputDocuments, unknownId } from "../support/graphql/mutations.ts";
import { gatewayServer } from "../support/http/gateway-server.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** Common GraphQL clients in their default configuration, against a shop with default settings. */
let shop: TestShop;
let mug: string;
let token: string;
/** The method and path of each request to the gateway. */
const requests: string[] = [];
const sockets: SocketClient[] = [];

beforeAll(async () => {
  shop = await startTestShop();
  mug = await putOnSale(shop, 100, 5);
  ({ token } = await shop.signIn("ann"));
  gatewayServer(shop).prependListener("request", ({ method, url }: IncomingMessage) => {
    requests.push(`${method ?? ""} ${url?.split("?")[0] ?? ""}`);
  });
});
afterAll(() => shop.stop());
afterEach(async () => {
  requests.length = 0;
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
const orderMutation = inputDocuments.placeOrder;
const input = (quantity: number) => ({ order_products: [{ product_id: mug, quantity }] });
const subscription = "subscription { orderPlaced { quantity } }";
const orderOfTwo = { quantity: 2, price_total: 10 };

/** Places orders until an event arrives, since clients do not report when a subscription starts. */
async function placeOrdersUntil(hasEvent: () => boolean): Promise<void> {
  await eventually("the client receives an event", async () => {
    await placeOrder(shop, token, [mug, 1]);
    return hasEvent();
  });
}

describe("graphql-request", () => {
  test("runs queries and mutations, and reports errors", async () => {
    const client = new GraphQLClient(endpoint(), { headers: headers() });
    expect(await client.request(productQuery, { id: mug })).toEqual({
      product: { name: "Mug", price: 5 },
    });
    expect(await client.request(orderMutation, { input: input(2) })).toMatchObject({
      placeOrder: orderOfTwo,
    });
    const rejected = client.request(orderMutation, { input: input(1_000_000) });
    await expect(rejected).rejects.toThrow(ClientError);
    await expect(rejected).rejects.toMatchObject({
      response: { status: 200, errors: [{ extensions: { code: "OUT_OF_STOCK", left: 98 } }] },
    });
    await expect(client.request("{ nothing }")).rejects.toMatchObject({
      response: { errors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] },
    });
  });

  test("sends queries by GET", async () => {
    const client = new GraphQLClient(endpoint(), { method: "GET" });
    const data = await client.request<unknown>(productQuery, { id: mug });
    expect(data).toEqual({ product: { name: "Mug", price: 5 } });
    expect(requests).toEqual(["GET /graphql"]);
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
  ])("runs queries (by GET: %j) and mutations, and reports errors", async (byGet, request) => {
    const client = connect(byGet);
    const result = await client.query<unknown>(productQuery, { id: mug });
    expect(result).toMatchObject({ data: { product: { name: "Mug" } }, error: undefined });
    expect(requests).toEqual([request]);
    const ordered = await client.mutation(orderMutation, { input: input(2) });
    expect(ordered.data).toMatchObject({ placeOrder: orderOfTwo });
    const rejected = await client.query(productQuery, { id: unknownId });
    expect(rejected.error?.graphQLErrors).toMatchObject([
      { path: ["product"], extensions: { code: "PRODUCT_NOT_FOUND" } },
    ]);
    const invalid = await client.query("{ nothing }", {});
    expect(invalid.error?.graphQLErrors[0]?.extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
  });

  test("receives events of a subscription", async () => {
    const events: unknown[] = [];
    const subscribed = connect(false)
      .subscription<unknown>(subscription, {})
      .subscribe(({ data }) => events.push(data));
    await placeOrdersUntil(() => events.length > 0);
    expect(events[0]).toMatchObject({ orderPlaced: { quantity: expect.any(Number) } });
    subscribed.unsubscribe();
  });
});

describe("Apollo Client", () => {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

  const http = () => new HttpLink({ uri: endpoint(), headers: headers() });
  const connect = (link: ApolloLink) => new ApolloClient({ link, cache: new InMemoryCache() });

  test("runs queries and mutations, and reports errors", async () => {
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
  ])("sends a hash (by GET: %j), and the document only once", async (byGet, expected) => {
    const byHash = createPersistedQueryLink({ sha256, useGETForHashedQueries: byGet });
    const client = connect(byHash.concat(http()));
    const query = gql(
      `query ($id: ID!) { product(id: $id) { ${byGet ? "stock" : "description"} } }`,
    );
    for (let n = 0; n < 2; n += 1) {
      const { data } = await client.query<unknown>({
        query,
        variables: { id: mug },
        fetchPolicy: "no-cache",
      });
      expect(data).toMatchObject({ product: expect.anything() });
    }
    expect(requests).toEqual(expected);
  });

  test("receives events of a subscription", async () => {
    const events: unknown[] = [];
    const client = connect(new GraphQLWsLink(socketClient()));
    const subscribed = client
      .subscribe<unknown>({ query: gql(subscription) })
      .subscribe(({ data }) => events.push(data));
    await placeOrdersUntil(() => events.length > 0);
    expect(events[0]).toMatchObject({ orderPlaced: { quantity: expect.any(Number) } });
    subscribed.unsubscribe();
  });
});

describe("graphql-ws", () => {
  test("runs queries and mutations, and reports errors", async () => {
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

  test("receives events of a subscription over Node's own WebSocket", async () => {
    const client = createClient({
      url: endpoint().replace("http", "ws"),
      webSocketImpl: globalThis.WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
    });
    sockets.push(client);
    const events: unknown[] = [];
    const stop = client.subscribe(
      { query: subscription },
      {
        next: (result) => events.push(result),
        error: (error) => events.push(error),
        complete: () => undefined,
      },
    );
    await placeOrdersUntil(() => events.length > 0);
    expect(events[0]).toEqual({ data: { orderPlaced: { quantity: expect.any(Number) } } });
    stop();
  });
});
