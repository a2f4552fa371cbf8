import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gatewayName, type Viewer } from "../../core/access.ts";
import { domainServices } from "../../services/registry.ts";
import { newId } from "../../core/ids.ts";
import { inventoryChange } from "../../services/products/products.contract.ts";
import { booksOf } from "../support/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import {
  create,
  dataOf,
  newKey,
  place,
  register,
  send,
  update,
} from "../support/idempotent-requests.ts";
import { putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());

const keptKeys = async () =>
  (await shop.databases.query("products", "SELECT FROM idempotency_keys")).length;
const stockOf = async (product: string) => (await booksOf(shop.databases, product)).stock;

describe("a key", () => {
  test.each<[string, string]>([
    ["is empty", ""],
    ["is nothing but spaces", "   "],
    ["has a space in it", "my key"],
    ["has 256 characters", "k".repeat(256)],
    ["has a character that is not ASCII", "schlüssel"],
  ])("that %s is refused, and nothing happens", async (_what, key) => {
    const mug = await putOnSale(shop, 5);
    const before = await keptKeys();
    const { code, errors } = await send(shop, update(mug, 1), { key, token: admin.token });
    expect(code).toBe("BAD_USER_INPUT");
    expect(errors?.[0]?.extensions.fields).toEqual([
      { field: "Idempotency-Key", message: expect.stringContaining("1 to 255 printable ASCII") },
    ]);
    expect(await stockOf(mug)).toBe(5);
    expect(await keptKeys()).toBe(before);
  });

  test("that stands there twice is refused", async () => {
    const mug = await putOnSale(shop, 5);
    const headers = new Headers({ authorization: admin.token, "content-type": "application/json" });
    for (const key of ["one", "two"]) headers.append("idempotency-key", key);
    const body = JSON.stringify({ query: update(mug, 1) });
    const response = await fetch(`${shop.url}/graphql`, { method: "POST", headers, body });
    expect(await response.text()).toContain("BAD_USER_INPUT");
    expect(await stockOf(mug)).toBe(5);
  });

  test("from the console may be a number, which it makes of a text that looks like one", async () => {
    const mug = await putOnSale(shop, 5);
    const change = { id: mug, type: 1, number: 1 };
    for (const idempotencyKey of [7, "7"]) {
      await shop.broker.call("products.updateInventory", change, { meta: { idempotencyKey } });
    }
    expect(await stockOf(mug)).toBe(6);
  });

  test("from the console that is neither text nor number is refused", async () => {
    const mug = await putOnSale(shop, 5);
    const change = { id: mug, type: 1, number: 1 };
    const meta = { idempotencyKey: true };
    const call = shop.broker.call("products.updateInventory", change, { meta });
    await expect(call).rejects.toMatchObject({ type: "BAD_USER_INPUT" });
    expect(await stockOf(mug)).toBe(5);
  });

  test.each<[string, string]>([
    ["of one character", "!"],
    ["of 255 characters", `~${"k".repeat(254)}`],
  ])("%s is taken", async (_what, key) => {
    const mug = await putOnSale(shop, 5);
    for (let n = 0; n < 2; n += 1) {
      const answer = await send(shop, update(mug, 1), { key, token: admin.token });
      expect(dataOf(answer)?.updateInventory).toEqual({ success: true });
    }
    expect(await stockOf(mug)).toBe(6);
  });

  test("does not care how the input is written: capital letters of an id, order of the fields", async () => {
    const mug = await putOnSale(shop, 5);
    const meta = { idempotencyKey: newKey() };
    const call = (params: object) => shop.broker.call("products.updateInventory", params, { meta });
    await call({ id: mug, type: 1, number: 2 });
    expect(await call({ number: 2, id: mug.toUpperCase(), type: 1 })).toEqual({ success: true });
    await expect(call({ id: mug, type: 2, number: 1 })).rejects.toMatchObject({
      type: "IDEMPOTENCY_MISMATCH",
    });
    expect(await stockOf(mug)).toBe(7);
  });

  test("means nothing to queries and to a login", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    const before = await keptKeys();
    const read = `{ product(id: "${mug}") { stock } }`;
    expect(dataOf(await send(shop, read, by))?.product).toEqual({ stock: 5 });
    await send(shop, update(mug, 1), { key: newKey(), token: admin.token });
    expect(dataOf(await send(shop, read, by))?.product).toEqual({ stock: 6 });
    // What was the key of a query is still nobody's.
    expect(dataOf(await send(shop, update(mug, 1), by))?.updateInventory).toBeDefined();
    expect(await keptKeys()).toBe(before + 2);

    const login = (secret: string) =>
      `mutation { login(input: { email: "admin@example.com", password: "${secret}" }) { token } }`;
    expect((await send(shop, login("wrong"), by)).code).toBe("INVALID_CREDENTIALS");
    expect(dataOf(await send(shop, login(password), by))?.login?.token).toMatch(/^ey/);
    const kept = "SELECT FROM idempotency_keys";
    expect(await shop.databases.query("users", kept)).toEqual([]);
  });
});

describe("an attempt that another node still has before it when its sender is told a refusal", () => {
  /** As the gateway calls for a user: all tries of a call have its attempt's id. */
  const attempt = (action: string, params: object, idempotencyKey: string, attemptId: string) => {
    const viewer: Viewer = { kind: "user", id: admin.id, type: 1 };
    const options = { caller: gatewayName, meta: { idempotencyKey, attemptId, viewer } };
    return shop.broker.call<object, object>(action, params, options);
  };

  test.each<[action: string, params: (product: string) => object, refusal: string]>([
    [
      "products.updateInventory",
      (id) => ({ id, type: inventoryChange.subtract, number: 2 }),
      "INSUFFICIENT_STOCK",
    ],
    [
      "orders.place",
      (product_id) => ({ order_products: [{ product_id, quantity: 2 }] }),
      "OUT_OF_STOCK",
    ],
  ])("has no effect: %s", async (action, paramsFor, refusal) => {
    const mug = await putOnSale(shop, 1);
    const key = newKey();
    const [earlier, refused, later] = [newId(), newId(), newId()];
    const params = paramsFor(mug);
    await expect(attempt(action, params, key, refused)).rejects.toMatchObject({ type: refusal });
    await shop.call("products.updateInventory", { id: mug, type: inventoryChange.add, number: 4 });
    for (const delayed of [refused, earlier]) {
      await expect(attempt(action, params, key, delayed)).rejects.toMatchObject({
        type: "IDEMPOTENCY_IN_PROGRESS",
      });
    }
    expect(await stockOf(mug)).toBe(5);
    // Its sender may try again, and has the effect once.
    const answer = await attempt(action, params, key, later);
    expect(await attempt(action, params, key, newId())).toEqual(answer);
    expect(await attempt(action, params, key, refused)).toEqual(answer);
    expect(await stockOf(mug)).toBe(3);
  });

  test("leaves no row where anybody can make up keys", async () => {
    const kept = async () =>
      (await shop.databases.query("users", "SELECT FROM idempotency_keys")).length;
    const before = await kept();
    const { code } = await send(shop, register("admin"), { key: newKey() });
    expect(code).toBe("EMAIL_TAKEN");
    expect(await kept()).toBe(before);
  });
});

describe("a document with several mutations and one key", () => {
  const two = (mug: string) => `mutation {
    first: updateInventory(input: { id: "${mug}", type: 1, number: 2 }) { success }
    second: updateInventory(input: { id: "${mug}", type: 1, number: 2 }) { success }
    order: placeOrder(input: { order_products: [{ product_id: "${mug}", quantity: 1 }] }) { id }
  }`;

  test("does all of them, and the same document again changes nothing", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    const first = dataOf(await send(shop, two(mug), by));
    expect(await stockOf(mug)).toBe(8);
    expect(dataOf(await send(shop, two(mug), by))).toEqual(first);
    expect(await stockOf(mug)).toBe(8);
  });

  test("does what an attempt that was broken off has not done yet, and nothing twice", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    await send(shop, update(mug, 2), by);
    expect(await stockOf(mug)).toBe(7);
    dataOf(await send(shop, two(mug), by));
    expect(await stockOf(mug)).toBe(8);
  });

  test("has no key that another request could send: each key is one effect", async () => {
    const mug = await putOnSale(shop, 9);
    const key = newKey();
    const orders = (count: number) =>
      `mutation { ${Array.from({ length: count }, (_, n) => `o${n}: ${inner(place(mug, 1))}`).join(" ")} }`;
    const inner = (document: string) => document.slice("mutation {".length, -1);
    const ids = async (document: string, sent: string) => {
      const data = dataOf(await send(shop, document, { key: sent, token: admin.token }));
      return Object.values(data ?? {}).map((order) => (order as { id: string }).id);
    };
    const together = await ids(orders(3), key);
    const alone: string[] = [];
    for (const suffix of ["#2", "#3", ",2", '",2', "#1", "[2]"]) {
      alone.push(...(await ids(place(mug, 1), `${key}${suffix}`)));
    }
    expect(new Set([...together, ...alone]).size).toBe(9);
    expect(await stockOf(mug)).toBe(0);
    // And the other way round.
    expect(await ids(orders(3), key)).toEqual(together);
    expect(await ids(place(mug, 1), `${key}#2`)).toEqual(alone.slice(0, 1));
  });

  test("takes no longer key because it has a number at its end", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: `${"k".repeat(255)}#2`, token: admin.token };
    expect((await send(shop, two(mug), by)).code).toBe("BAD_USER_INPUT");
    expect(await stockOf(mug)).toBe(5);
  });

  test("does all of them also by the longest key", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: `!${"k".repeat(254)}`, token: admin.token };
    for (let n = 0; n < 2; n += 1) dataOf(await send(shop, two(mug), by));
    expect(await stockOf(mug)).toBe(8);
  });
});

test("the databases keep no key and no password, and nothing that is quickly made of them", async () => {
  const mug = await putOnSale(shop, 5);
  const key = "a-key-that-nobody-must-read";
  const by = { key, token: admin.token };
  dataOf(await send(shop, register("gina"), { key }));
  dataOf(await send(shop, create("Jug"), by));
  dataOf(await send(shop, update(mug, 1), by));
  dataOf(await send(shop, place(mug, 1), by));
  const input = {
    email: "gina@example.com",
    username: "gina",
    password,
    type: 0,
  };
  const sorted = Object.fromEntries(Object.entries(input).sort());
  const secrets = [key, password].flatMap((secret) => [
    secret,
    Buffer.from(secret).toString("hex"),
    Buffer.from(secret).toString("base64"),
    createHash("sha256").update(secret).digest("hex"),
  ]);
  const hashes = [input, sorted].map((value) =>
    createHash("sha256").update(JSON.stringify(value)).digest("hex"),
  );
  for (const service of domainServices) {
    const rows = await shop.databases.query<{ row: string }>(
      service,
      "SELECT k::text AS row FROM idempotency_keys k",
    );
    expect(rows.length).toBeGreaterThan(0);
    const text = rows.map(({ row }) => row).join();
    for (const secret of [...secrets, ...hashes]) expect(text).not.toContain(secret);
  }
});

test("keys are removed after a day, and not before", async () => {
  const mug = await putOnSale(shop, 5);
  const [old, young] = [newKey(), newKey()].map((key) => ({ key, token: admin.token }));
  if (!old || !young) throw new Error("two keys");
  const age = (hours: number) =>
    shop.databases.query(
      "products",
      "UPDATE idempotency_keys SET created_at = created_at - $1 * interval '1 hour'",
      [hours],
    );
  await shop.databases.query("products", "DELETE FROM idempotency_keys");
  await send(shop, update(mug, 1), old);
  await age(1.5);
  await send(shop, update(mug, 1), young);
  await age(23);
  // Whoever starts removes what is too old.
  const starting = await startTestShop({}, shop.databases);
  try {
    await eventually("the older one is removed", async () => (await keptKeys()) === 1);
  } finally {
    await starting.stop();
  }
  expect((await send(shop, update(mug, 9), young)).code).toBe("IDEMPOTENCY_MISMATCH");
  expect(dataOf(await send(shop, update(mug, 9), old))?.updateInventory).toEqual({ success: true });
  expect(await stockOf(mug)).toBe(16);
});
