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
  await eventually("no subscription is left", () => serving() === 0);
});

async function introduced(): Promise<RawSocket> {
  const socket = openSocket(shop.url);
  open.push(socket);
  await socket.init();
  return socket;
}

const invalid = "GRAPHQL_VALIDATION_FAILED";

const serving = () => subscriptionsTo(shop, "inventory.updated");

test("a connection has a hundred subscriptions at most, and leaves none behind", async () => {
  const greedy = await introduced();
  for (let n = 0; n < 1_000; n += 1) greedy.say(watch(String(n)));
  const refused = () => greedy.messages.filter(({ type }) => type === "error");
  await eventually("what is too much is refused", () => refused().length >= 900);
  await eventually("a hundred are served", () => serving() === 100);
  expect(refused()).toHaveLength(900);
  expect(refused()[0]).toMatchObject({
    payload: [{ extensions: { code: "TOO_MANY_REQUESTS" } }],
  });
  await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
  await eventually("all that are taken are told", () => {
    return greedy.messages.filter(({ type }) => type === "next").length === 100;
  });
  greedy.socket.terminate();
  await eventually("none is left", () => serving() === 0);
});

describe("a subscription that has no one root field is refused alone, and its connection goes on:", () => {
  const fields = "inventoryUpdated { product_id }";
  test.each<[what: string, query: string, variables: object, code: string]>([
    ["skipped", `subscription { inventoryUpdated @skip(if: true) { product_id } }`, {}, invalid],
    ["introspection", "subscription { __typename }", {}, invalid],
    [
      "two in a fragment",
      `subscription { ...F } fragment F on Subscription { a: ${fields} b: ${fields} }`,
      {},
      invalid,
    ],
    [
      "two by a variable",
      `subscription ($x: Boolean!) { ${fields} ... @include(if: $x) { b: ${fields} } }`,
      { x: true },
      invalid,
    ],
    [
      "a condition that is null",
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
      "an unfit variable",
      "subscription ($id: ID) { inventoryUpdated(product_id: $id) { product_id } }",
      { id: [] },
      "BAD_USER_INPUT",
    ],
  ])("%s", async (_what, query, variables, code) => {
    const socket = await introduced();
    socket.say(watch("other"));
    for (let n = 0; n < 3; n += 1) {
      socket.say({ type: "subscribe", id: `bad ${n}`, payload: { query, variables } });
    }
    const refused = () => socket.messages.filter(({ type }) => type === "error");
    await eventually("each is refused", () => refused().length === 3);
    for (const { payload } of refused()) {
      expect((payload as unknown[])[0]).toMatchObject({ extensions: { code } });
    }
    await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
    await eventually("the other is told", () =>
      socket.messages.some(({ type }) => type === "next"),
    );
  });
});

test("one root field is one, however often and under whatever conditions it is written", async () => {
  const socket = await introduced();
  const query = `subscription ($x: Boolean!) {
    inventoryUpdated { product_id } ...F ... @include(if: $x) { other: inventoryUpdated { number } }
  } fragment F on Subscription { inventoryUpdated { change @skip(if: $x) } }`;
  socket.say({ type: "subscribe", id: "one", payload: { query, variables: { x: false } } });
  await eventually("it is there", () => serving() === 1);
  await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
  const told = await eventually("it is told", () => {
    return socket.messages.find(({ type }) => type === "next");
  });
  expect(told.payload).toEqual({
    data: { inventoryUpdated: { product_id: mug, change: "ADDED" } },
  });
});

test("what is asked and ended at once leaves nothing behind", async () => {
  const restless = await introduced();
  for (let n = 0; n < 300; n += 1) {
    restless.say(watch(String(n)));
    restless.say({ type: "complete", id: String(n) });
  }
  await eventually("there is room for more", async () => {
    const id = `after ${performance.now()}`;
    restless.say({ type: "subscribe", id, payload: { query: "{ __typename }" } });
    const isAnswer = (message: { id?: string }) => message.id === id;
    const answer = await eventually("an answer", () => restless.messages.find(isAnswer));
    return answer.type === "next";
  });
  await eventually("none is left", () => serving() === 0);
  expect(restless.end()).toBeUndefined();
});

test("under one id there is never more than one, and none when the connection ends", async () => {
  const restless = await introduced();
  for (let n = 0; n < 50; n += 1) {
    restless.say({ type: "complete", id: "same" });
    restless.say(watch("same"));
  }
  restless.say({ type: "subscribe", id: "last", payload: { query: "{ __typename }" } });
  const isAnswered = () => restless.messages.some(({ id }) => id === "last");
  await eventually("it is answered, or closed", () => isAnswered() || restless.end() !== undefined);
  expect(serving()).toBeLessThanOrEqual(1);
  restless.socket.terminate();
  await eventually("none is left", () => serving() === 0);
});

test("connections that ask and leave at once leave nothing behind", async () => {
  const hasty = await Promise.all(Array.from({ length: 20 }, introduced));
  for (const { say, socket } of hasty) {
    for (let n = 0; n < 20; n += 1) say(watch(String(n)));
    // Once all is on its way.
    socket.send(JSON.stringify({ type: "ping" }), () => {
      socket.terminate();
    });
  }
  await eventually("all have left", () => hasty.every(({ end }) => end() !== undefined));
  await eventually("none is left", () => serving() === 0);
});

test("whoever asks and never reads is cut off", async () => {
  const product = { name: "Long", description: "x".repeat(2_000), price: 1, stock: 0 };
  const { id } = await shop.call<{ id: string }>("products.create", product);
  const fields = Array.from({ length: 29 }, (_, n) => `a${n}: description`).join(" ");
  const query = `{ product(id: "${id}") { ${fields} } }`;
  const deaf = await introduced();
  deaf.socket.pause();
  let asked = 0;
  await eventually("it is cut off", () => {
    for (let n = 0; n < 50; n += 1) {
      asked += 1;
      deaf.say({ type: "subscribe", id: String(asked), payload: { query } });
    }
    return deaf.end() !== undefined;
  });
  await shop.call("products.updateInventory", { id, type: 3, number: 0 });
});
