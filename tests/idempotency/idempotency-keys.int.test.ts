import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gatewayName, type Viewer } from "../../core/access.ts";
import { requiredServices } from "../../services/registry.ts";
import { newId } from "../../core/ids/ids.ts";
import { inventoryChange } from "../../services/products/products.contract.ts";
import { booksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

const { createProduct, placeOrder, registerUser, updateInventory } = mutations;

let shop: TestShop;
let admin: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());

const countKeys = async (service: "users" | "products" = "products") =>
  (await shop.databases.query(service, "SELECT FROM idempotency_keys")).length;
const stockOf = async (product: string) => (await booksOf(shop.databases, product)).stock;

describe("an idempotency key", () => {
  test.each<[string, string]>([
    ["is empty", ""],
    ["consists of spaces", "   "],
    ["contains a space", "my key"],
    ["has 256 characters", "k".repeat(256)],
    ["contains a character outside ASCII", "schlüssel"],
  ])("that %s is rejected, and the mutation has no effect", async (_what, key) => {
    const mug = await putOnSale(shop, 5);
    const before = await countKeys();
    const { code, errors } = await send(shop, updateInventory(mug, 1, 1), {
      key,
      token: admin.token,
    });
    expect(code).toBe("BAD_USER_INPUT");
    expect(errors?.[0]?.extensions.fields).toEqual([
      { field: "Idempotency-Key", message: expect.stringContaining("1 to 255 printable ASCII") },
    ]);
    expect(await stockOf(mug)).toBe(5);
    expect(await countKeys()).toBe(before);
  });

  test("is rejected if the header appears twice", async () => {
    const mug = await putOnSale(shop, 5);
    const headers = new Headers({ authorization: admin.token, "content-type": "application/json" });
    for (const key of ["one", "two"]) headers.append("idempotency-key", key);
    const body = JSON.stringify({ query: updateInventory(mug, 1, 1) });
    const response = await fetch(`${shop.url}/graphql`, { method: "POST", headers, body });
    expect(await response.text()).toContain("BAD_USER_INPUT");
    expect(await stockOf(mug)).toBe(5);
  });

  test("may be a number, since the REPL parses digits to a number", async () => {
    const mug = await putOnSale(shop, 5);
    const change = { id: mug, type: 1, number: 1 };
    for (const idempotencyKey of [7, "7"]) {
      await shop.broker.call("products.updateInventory", change, { meta: { idempotencyKey } });
    }
    expect(await stockOf(mug)).toBe(6);
  });

  test("is rejected if it is neither a string nor a number", async () => {
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
  ])("%s is accepted", async (_what, key) => {
    const mug = await putOnSale(shop, 5);
    for (let n = 0; n < 2; n += 1) {
      const answer = await send(shop, updateInventory(mug, 1, 1), { key, token: admin.token });
      expect(dataOf(answer)?.updateInventory).toEqual({ success: true });
    }
    expect(await stockOf(mug)).toBe(6);
  });

  test("matches the same input with capital letters in an id or with reordered fields", async () => {
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

  test("is ignored by queries and by login", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    const keysBefore = await countKeys();
    const read = `{ product(id: "${mug}") { stock } }`;
    expect(dataOf(await send(shop, read, by))?.product).toEqual({ stock: 5 });
    await send(shop, updateInventory(mug, 1, 1), { key: newKey(), token: admin.token });
    expect(dataOf(await send(shop, read, by))?.product).toEqual({ stock: 6 });
    // The query has not used the key.
    expect(dataOf(await send(shop, updateInventory(mug, 1, 1), by))?.updateInventory).toBeDefined();
    expect(await countKeys()).toBe(keysBefore + 2);

    const login = (secret: string) =>
      `mutation { login(input: { email: "admin@example.com", password: "${secret}" }) { token } }`;
    expect((await send(shop, login("wrong"), by)).code).toBe("INVALID_CREDENTIALS");
    expect(dataOf(await send(shop, login(password), by))?.login?.token).toMatch(/^ey/);
    expect(await countKeys("users")).toBe(0);
  });
});

describe("a delayed attempt whose retry was answered with a client error", () => {
  /** Calls as the gateway does for a user: all retries of a call have the same attempt id. */
  const attempt = (action: string, params: object, idempotencyKey: string, attemptId: string) => {
    const viewer: Viewer = { kind: "user", id: admin.id, type: 1 };
    const options = { caller: gatewayName, meta: { idempotencyKey, attemptId, viewer } };
    return shop.broker.call<object, object>(action, params, options);
  };

  test.each<[action: string, params: (product: string) => object, code: string]>([
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
  ])("has no effect: %s", async (action, paramsFor, code) => {
    const mug = await putOnSale(shop, 1);
    const key = newKey();
    const [earlier, rejected, later] = [newId(), newId(), newId()];
    const params = paramsFor(mug);
    await expect(attempt(action, params, key, rejected)).rejects.toMatchObject({ type: code });
    await shop.call("products.updateInventory", { id: mug, type: inventoryChange.add, number: 4 });
    for (const delayed of [rejected, earlier]) {
      await expect(attempt(action, params, key, delayed)).rejects.toMatchObject({
        type: "IDEMPOTENCY_IN_PROGRESS",
      });
    }
    expect(await stockOf(mug)).toBe(5);
    // A retry by the client has the effect once.
    const result = await attempt(action, params, key, later);
    expect(await attempt(action, params, key, newId())).toEqual(result);
    expect(await attempt(action, params, key, rejected)).toEqual(result);
    expect(await stockOf(mug)).toBe(3);
  });

  test("leaves no row in the users database, where anonymous callers choose keys", async () => {
    const keysBefore = await countKeys("users");
    const { code } = await send(shop, registerUser("admin"), { key: newKey() });
    expect(code).toBe("EMAIL_TAKEN");
    expect(await countKeys("users")).toBe(keysBefore);
  });
});

describe("a document with several mutations and one key", () => {
  const threeMutations = (mug: string) => `mutation {
    first: updateInventory(input: { id: "${mug}", type: 1, number: 2 }) { success }
    second: updateInventory(input: { id: "${mug}", type: 1, number: 2 }) { success }
    order: placeOrder(input: { order_products: [{ product_id: "${mug}", quantity: 1 }] }) { id }
  }`;

  test("runs all of them once, also if the document is sent again", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    const first = dataOf(await send(shop, threeMutations(mug), by));
    expect(await stockOf(mug)).toBe(8);
    expect(dataOf(await send(shop, threeMutations(mug), by))).toEqual(first);
    expect(await stockOf(mug)).toBe(8);
  });

  test("runs only the mutations that an interrupted attempt has not run", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: newKey(), token: admin.token };
    await send(shop, updateInventory(mug, 1, 2), by);
    expect(await stockOf(mug)).toBe(7);
    dataOf(await send(shop, threeMutations(mug), by));
    expect(await stockOf(mug)).toBe(8);
  });

  test("derives keys for its fields that no other request can send", async () => {
    const mug = await putOnSale(shop, 9);
    const key = newKey();
    const orders = (count: number) =>
      `mutation { ${Array.from({ length: count }, (_, n) => `o${n}: ${inner(placeOrder(mug, 1))}`).join(" ")} }`;
    const inner = (document: string) => document.slice("mutation {".length, -1);
    const orderIds = async (document: string, idempotencyKey: string) => {
      const by = { key: idempotencyKey, token: admin.token };
      const data = dataOf(await send(shop, document, by));
      return Object.values(data ?? {}).map((order) => (order as { id: string }).id);
    };
    const inOneDocument = await orderIds(orders(3), key);
    const single: string[] = [];
    for (const suffix of ["#2", "#3", ",2", '",2', "#1", "[2]"]) {
      single.push(...(await orderIds(placeOrder(mug, 1), `${key}${suffix}`)));
    }
    expect(new Set([...inOneDocument, ...single]).size).toBe(9);
    expect(await stockOf(mug)).toBe(0);
    // A retry of either form returns the same orders.
    expect(await orderIds(orders(3), key)).toEqual(inOneDocument);
    expect(await orderIds(placeOrder(mug, 1), `${key}#2`)).toEqual(single.slice(0, 1));
  });

  test("rejects a key of more than 255 characters that ends with a field number", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: `${"k".repeat(255)}#2`, token: admin.token };
    expect((await send(shop, threeMutations(mug), by)).code).toBe("BAD_USER_INPUT");
    expect(await stockOf(mug)).toBe(5);
  });

  test("accepts a key of 255 characters", async () => {
    const mug = await putOnSale(shop, 5);
    const by = { key: `!${"k".repeat(254)}`, token: admin.token };
    for (let n = 0; n < 2; n += 1) dataOf(await send(shop, threeMutations(mug), by));
    expect(await stockOf(mug)).toBe(8);
  });
});

test("the databases store no key, no password and no plain hash of either", async () => {
  const mug = await putOnSale(shop, 5);
  const key = "a-key-that-nobody-must-read";
  const by = { key, token: admin.token };
  dataOf(await send(shop, registerUser("gina"), { key }));
  dataOf(await send(shop, createProduct("Jug"), by));
  dataOf(await send(shop, updateInventory(mug, 1, 1), by));
  dataOf(await send(shop, placeOrder(mug, 1), by));
  const input = { email: "gina@example.com", username: "gina", password, type: 0 };
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
  for (const service of requiredServices) {
    const rows = await shop.databases.query<{ row: string }>(
      service,
      "SELECT k::text AS row FROM idempotency_keys k",
    );
    expect(rows.length).toBeGreaterThan(0);
    const text = rows.map(({ row }) => row).join();
    for (const secret of [...secrets, ...hashes]) expect(text).not.toContain(secret);
  }
});

test("idempotency keys are deleted after a day, and not before", async () => {
  const mug = await putOnSale(shop, 5);
  const old = { key: newKey(), token: admin.token };
  const young = { key: newKey(), token: admin.token };
  const age = (hours: number) =>
    shop.databases.query(
      "products",
      "UPDATE idempotency_keys SET created_at = created_at - $1 * interval '1 hour'",
      [hours],
    );
  await shop.databases.query("products", "DELETE FROM idempotency_keys");
  await send(shop, updateInventory(mug, 1, 1), old);
  await age(1.5);
  await send(shop, updateInventory(mug, 1, 1), young);
  await age(23);
  // A replica deletes expired keys when it starts.
  const replica = await startTestShop({}, shop.databases);
  try {
    await eventually("the older key is deleted", async () => (await countKeys()) === 1);
  } finally {
    await replica.stop();
  }
  expect((await send(shop, updateInventory(mug, 1, 9), young)).code).toBe("IDEMPOTENCY_MISMATCH");
  expect(dataOf(await send(shop, updateInventory(mug, 1, 9), old))?.updateInventory).toEqual({
    success: true,
  });
  expect(await stockOf(mug)).toBe(16);
});
