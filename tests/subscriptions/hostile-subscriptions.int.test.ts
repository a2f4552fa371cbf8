import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { putOnSale } from "../support/ordering.ts";
import { openSocket, type RawSocket } from "../support/http/raw-socket.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { subscriptionsTo, watch } from "../support/http/subscriptions.ts";

let shop: TestShop;
let mug: string;
const open: RawSocket[] = [];

beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0" });
  mug = await putOnSale(shop, 100);
});
afterAll(() => shop.stop());
afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.terminate();
  await eventually("the end of all subscriptions", () => serving() === 0);
});

async function openInitializedSocket(): Promise<RawSocket> {
  const socket = openSocket(shop.url);
  open.push(socket);
  await socket.init();
  return socket;
}

const invalid = "GRAPHQL_VALIDATION_FAILED";

const serving = () => subscriptionsTo(shop, "inventory.updated");

test("a connection has at most a hundred subscriptions, which end with it", async () => {
  const greedy = await openInitializedSocket();
  for (let n = 0; n < 1_000; n += 1) greedy.send(watch(String(n)));
  const rejected = () => greedy.messages.filter(({ type }) => type === "error");
  await eventually("the rejection of the other subscriptions", () => rejected().length >= 900);
  await eventually("a hundred subscriptions", () => serving() === 100);
  expect(rejected()).toHaveLength(900);
  expect(rejected()[0]).toMatchObject({
    payload: [{ extensions: { code: "TOO_MANY_REQUESTS" } }],
  });
  // An error of the whole operation names no field.
  expect(rejected()[0]).not.toHaveProperty("payload.0.path");
  await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
  await eventually("an event on each subscription", () => {
    return greedy.messages.filter(({ type }) => type === "next").length === 100;
  });
  greedy.socket.terminate();
  await eventually("the end of all subscriptions", () => serving() === 0);
});

describe("a subscription without exactly one root field is rejected without closing the connection:", () => {
  const fields = "inventoryUpdated { product_id }";
  test.each<[title: string, query: string, variables: object, code: string]>([
    ["skipped", `subscription { inventoryUpdated @skip(if: true) { product_id } }`, {}, invalid],
    ["introspection", "subscription { __typename }", {}, invalid],
    [
      "two fields in a fragment",
      `subscription { ...F } fragment F on Subscription { a: ${fields} b: ${fields} }`,
      {},
      invalid,
    ],
    [
      "two fields by a variable",
      `subscription ($x: Boolean!) { ${fields} ... @include(if: $x) { b: ${fields} } }`,
      { x: true },
      invalid,
    ],
    [
      "a null condition",
      `subscription ($x: Boolean = true) { ${fields} ... @skip(if: $x) { b: ${fields} } }`,
      { x: null },
      "BAD_USER_INPUT",
    ],
    [
      "a mutation beside it",
      `subscription { ${fields} } mutation { logoutEverywhere { success } }`,
      {},
      invalid,
    ],
    [
      "an invalid variable",
      "subscription ($id: ID) { inventoryUpdated(product_id: $id) { product_id } }",
      { id: [] },
      "BAD_USER_INPUT",
    ],
  ])("%s", async (_title, query, variables, code) => {
    const socket = await openInitializedSocket();
    socket.send(watch("other"));
    for (let n = 0; n < 3; n += 1) {
      socket.send({ type: "subscribe", id: `bad ${n}`, payload: { query, variables } });
    }
    const rejected = () => socket.messages.filter(({ type }) => type === "error");
    await eventually("the rejection of each", () => rejected().length === 3);
    for (const { payload } of rejected()) {
      expect((payload as unknown[])[0]).toMatchObject({ extensions: { code } });
    }
    await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
    await eventually("an event on the other subscription", () =>
      socket.messages.some(({ type }) => type === "next"),
    );
  });
});

test("a root field that is repeated, with conditions and fragments, counts once", async () => {
  const socket = await openInitializedSocket();
  const query = `subscription ($x: Boolean!) {
    inventoryUpdated { product_id } ...F ... @include(if: $x) { other: inventoryUpdated { number } }
  } fragment F on Subscription { inventoryUpdated { change @skip(if: $x) } }`;
  socket.send({ type: "subscribe", id: "one", payload: { query, variables: { x: false } } });
  await eventually("the subscription", () => serving() === 1);
  await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
  const event = await eventually("the event", () => {
    return socket.messages.find(({ type }) => type === "next");
  });
  expect(event.payload).toEqual({
    data: { inventoryUpdated: { product_id: mug, change: "ADDED" } },
  });
});

test("subscriptions that are completed at once leave nothing", async () => {
  const socket = await openInitializedSocket();
  for (let n = 0; n < 300; n += 1) {
    socket.send(watch(String(n)));
    socket.send({ type: "complete", id: String(n) });
  }
  await eventually("room for another subscription", async () => {
    const id = `after ${performance.now()}`;
    socket.send({ type: "subscribe", id, payload: { query: "{ __typename }" } });
    const isAnswer = (message: { id?: string }) => message.id === id;
    const answer = await eventually("an answer", () => socket.messages.find(isAnswer));
    return answer.type === "next";
  });
  await eventually("the end of all subscriptions", () => serving() === 0);
  expect(socket.end()).toBeUndefined();
});

test("an id has at most one subscription, which ends with the connection", async () => {
  const socket = await openInitializedSocket();
  for (let n = 0; n < 50; n += 1) {
    socket.send({ type: "complete", id: "same" });
    socket.send(watch("same"));
  }
  socket.send({ type: "subscribe", id: "last", payload: { query: "{ __typename }" } });
  const isAnswered = () => socket.messages.some(({ id }) => id === "last");
  await eventually(
    "an answer or the end of the connection",
    () => isAnswered() || socket.end() !== undefined,
  );
  expect(serving()).toBeLessThanOrEqual(1);
  socket.socket.terminate();
  await eventually("the end of all subscriptions", () => serving() === 0);
});

test("connections that subscribe and close at once leave nothing", async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, openInitializedSocket));
  for (const { send, socket } of sockets) {
    for (let n = 0; n < 20; n += 1) send(watch(String(n)));
    // Closes the connection when all messages are sent.
    socket.send(JSON.stringify({ type: "ping" }), () => {
      socket.terminate();
    });
  }
  await eventually("the end of all connections", () =>
    sockets.every(({ end }) => end() !== undefined),
  );
  await eventually("the end of all subscriptions", () => serving() === 0);
});

test("a client that never reads is disconnected", async () => {
  const product = { name: "Long", description: "x".repeat(2_000), price: 1, stock: 0 };
  const { id } = await shop.call<{ id: string }>("products.create", product);
  const fields = Array.from({ length: 29 }, (_, n) => `a${n}: description`).join(" ");
  const query = `{ product(id: "${id}") { ${fields} } }`;
  const reader = await openInitializedSocket();
  reader.socket.pause();
  let sent = 0;
  await eventually("the end of the connection", () => {
    for (let n = 0; n < 50; n += 1) {
      sent += 1;
      reader.send({ type: "subscribe", id: String(sent), payload: { query } });
    }
    return reader.end() !== undefined;
  });
  await shop.call("products.updateInventory", { id, type: 3, number: 0 });
});
