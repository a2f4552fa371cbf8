import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { BulkAnswer } from "../../services/products/bulk/bulk.contract.ts";
import type { Product } from "../../services/products/products.contract.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { booksOf, booksThatDiffer } from "../support/consistency/books.ts";
import { newKey } from "../support/idempotent-requests.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { StatementCounter } from "../support/statements/statement-counter.ts";

const fields = `succeeded failed results { index productId version
  product { id name price stock sku version }
  error { code message fields { field message } version asked left } }`;
const documents = {
  createProducts: `mutation ($input: CreateProductsInput!) {
    createProducts(input: $input) { ${fields} } }`,
  updateProducts: `mutation ($input: UpdateProductsInput!) {
    updateProducts(input: $input) { ${fields} } }`,
  updateInventories: `mutation ($input: UpdateInventoriesInput!) {
    updateInventories(input: $input) { ${fields} } }`,
};
type Mutation = keyof typeof documents;

interface Payload extends Omit<BulkAnswer, "results"> {
  results: (BulkAnswer["results"][number] & { product: Product | null })[];
}

let shop: TestShop;
let admin: { id: string; token: string };
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0", RESERVATION_TTL_SECONDS: "3600" });
  admin = await shop.signIn("admin", 1);
  buyer = await shop.signIn("buyer");
});
afterAll(async () => {
  const differing = await booksThatDiffer(shop.databases);
  await shop.stop();
  expect(differing).toEqual([]);
});

async function send(mutation: Mutation, items: object[], headers = {}): Promise<Payload> {
  const list = mutation === "updateInventories" ? "changes" : "products";
  const { data, errors } = await shop.graphql<Record<Mutation, Payload>>(documents[mutation], {
    variables: { input: { [list]: items } },
    token: admin.token,
    headers,
  });
  expect(errors).toBeUndefined();
  if (data === null || data === undefined) throw new Error(`${mutation} has no data`);
  return data[mutation];
}

const jug = (more: object = {}) => ({
  name: "Jug",
  description: "d",
  price: 7,
  stock: 2,
  ...more,
});
const codesOf = ({ results }: Payload) => results.map(({ error }) => error?.code ?? "done");
const productsOf = ({ results }: Payload) =>
  results.map(({ product }) => {
    if (product === null) throw new Error("an item has no product");
    return product;
  });

async function eventsOf(productId: string): Promise<object[]> {
  const rows = await shop.databases.query<{ type: string; data: object }>(
    "products",
    "SELECT type, data FROM event_log WHERE data ->> 'product_id' = $1 ORDER BY position",
    [productId],
  );
  return rows.map(({ type, data }) => ({ type, ...data }));
}

async function trailOf(productId: string): Promise<object[]> {
  return shop.databases.query(
    "products",
    "SELECT action, outcome, actor_id, detail FROM audit_trail WHERE subject_id = $1 ORDER BY id",
    [productId],
  );
}

describe("createProducts", () => {
  test("creates the valid products and returns an error for each other one", async () => {
    await shop.call("products.create", jug({ sku: "TAKEN" }));
    const payload = await send("createProducts", [
      jug({ sku: "A\u030A 1" }),
      jug({ name: "" }),
      jug({ sku: "TAKEN" }),
      jug({ sku: "TWICE" }),
      jug({ sku: "TWICE" }),
      jug({ sku: null, stock: 0 }),
      jug({ name: " ", price: -1 }),
    ]);
    expect(payload).toMatchObject({ succeeded: 3, failed: 4 });
    expect(payload.results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const [done, invalid, taken, first, second, plain, worse] = payload.results;
    expect(done).toEqual({
      index: 0,
      productId: done?.product?.id,
      version: 1,
      product: {
        id: done?.productId,
        ...jug(),
        description: undefined,
        sku: "\u00c5 1",
        version: 1,
      },
      error: null,
    });
    expect(invalid).toMatchObject({
      productId: null,
      version: null,
      product: null,
      error: { code: "BAD_USER_INPUT", fields: [{ field: "name" }] },
    });
    expect([taken, first, second, plain].map((one) => one?.error?.code)).toEqual([
      "SKU_TAKEN",
      undefined,
      "SKU_TAKEN",
      undefined,
    ]);
    expect(worse?.error?.fields).toHaveLength(2);
  });

  test("records ledger, audit trail and event of each product, as createProduct does", async () => {
    const [product] = productsOf(await send("createProducts", [jug({ sku: "BULK-1", stock: 4 })]));
    const single = await shop.graphql<{ createProduct: Product }>(
      `mutation { createProduct(input: { name: "Jug", description: "d", price: 7, stock: 4,
         sku: "SINGLE-1" }) { id } }`,
      { token: admin.token },
    );
    const [bulkId, singleId] = [product?.id ?? "", single.data?.createProduct.id ?? ""];
    const asSingle = (rows: object[]) =>
      JSON.parse(
        JSON.stringify(rows).replaceAll(bulkId, singleId).replaceAll("BULK-1", "SINGLE-1"),
      ) as object[];
    expect(asSingle(await eventsOf(bulkId))).toEqual(await eventsOf(singleId));
    expect(asSingle(await trailOf(bulkId))).toEqual(await trailOf(singleId));
    expect(await booksOf(shop.databases, bulkId)).toEqual({ stock: 4, reserved: 0, onHand: 4 });
    const [ledger] = await shop.databases.query<{ user_id: string }>(
      "products",
      "SELECT user_id FROM stock_changes WHERE product_id = $1",
      [bulkId],
    );
    expect(ledger?.user_id).toBe(admin.id);
  });

  test("rejects an empty list and a list of more than 1,000 products as a whole", async () => {
    for (const count of [0, 1_001]) {
      const products = Array.from({ length: count }, () => jug());
      const { code } = await shop.graphql(documents.createProducts, {
        variables: { input: { products } },
        token: admin.token,
      });
      expect(code).toBe("BAD_USER_INPUT");
    }
  });

  test("creates 1,000 products with one statement for all of them", async () => {
    const counter = new StatementCounter();
    try {
      await counter.ignoreBackground();
      const statementsFor = async (count: number) => {
        let run = 0;
        const { statements } = await counter.ofRequest(Infinity, async (requestID) => {
          run += 1;
          const products = Array.from({ length: count }, (_, n) =>
            jug({ sku: `MANY-${count}-${run}-${n}` }),
          );
          const options = { requestID };
          const { succeeded } = await shop.broker.call<BulkAnswer, object>(
            "products.createMany",
            { products },
            options,
          );
          expect(succeeded).toBe(count);
        });
        return statements.filter((sql) => !sql.includes("known_products")).length;
      };
      expect(await statementsFor(1_000)).toBeLessThanOrEqual((await statementsFor(1)) + 4);
    } finally {
      counter.stop();
    }
  });

  test("takes effect once for an idempotency key, and returns the first results again", async () => {
    const headers = { "idempotency-key": newKey() };
    const items = [jug({ name: "Once", sku: "ONCE" }), jug({ name: "" })];
    const first = await send("createProducts", items, headers);
    expect(codesOf(first)).toEqual(["done", "BAD_USER_INPUT"]);
    expect(await send("createProducts", items, headers)).toEqual(first);
    const rows = await shop.databases.query("products", "SELECT FROM products WHERE name = 'Once'");
    expect(rows).toHaveLength(1);
    const other = await shop.graphql(documents.createProducts, {
      variables: { input: { products: [jug()] } },
      token: admin.token,
      headers,
    });
    expect(other.code).toBe("IDEMPOTENCY_MISMATCH");
  });

  test("of concurrent batches with the same SKUs creates each once, in any order", async () => {
    const skus = Array.from({ length: 60 }, (_, n) => `RACE-${n}`);
    const batches = [skus, skus.toReversed(), skus, skus.toReversed()].map((list) =>
      send(
        "createProducts",
        list.map((sku) => jug({ sku })),
      ),
    );
    const payloads = await Promise.all(batches);
    expect(payloads.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(60);
    expect(new Set(payloads.flatMap(codesOf))).toEqual(new Set(["done", "SKU_TAKEN"]));
  });
});

describe("updateProducts", () => {
  test("updates each product of the given version and returns an error for each other one", async () => {
    const [a, b, c, d, e] = productsOf(
      await send("createProducts", [
        jug({ sku: "U-A" }),
        jug({ sku: "U-B" }),
        jug({ sku: "U-C" }),
        jug(),
        jug(),
      ]),
    );
    const payload = await send("updateProducts", [
      { id: a?.id, version: 1, price: 8, name: "Ewer" },
      { id: b?.id, version: 2, price: 8 },
      { id: unknownId, version: 1, price: 8 },
      { id: e?.id, version: 1 },
      { id: a?.id.toUpperCase(), version: 2, price: 9 },
      { id: d?.id, version: 1, sku: "U-B" },
      { id: c?.id, version: 1, sku: "" },
      { id: b?.id, version: 1, price: 8 },
      { id: e?.id, version: 1, price: 8 },
    ]);
    expect(codesOf(payload)).toEqual([
      "done",
      "VERSION_CONFLICT",
      "PRODUCT_NOT_FOUND",
      "BAD_USER_INPUT",
      "BAD_USER_INPUT",
      "SKU_TAKEN",
      "done",
      "BAD_USER_INPUT",
      "BAD_USER_INPUT",
    ]);
    const [first, conflict, , , duplicate, , last] = payload.results;
    expect(first?.product).toMatchObject({ name: "Ewer", price: 8, version: 2, sku: "U-A" });
    expect(first?.version).toBe(2);
    expect(conflict?.error).toMatchObject({ version: 1, fields: null });
    expect(duplicate?.error?.fields).toEqual([
      {
        field: "id",
        message:
          "Item 0 of the list changes the same product. Only the first change of a product in a list can take effect.",
      },
    ]);
    expect(last?.product).toMatchObject({ sku: null, version: 2 });
    const { data } = await shop.graphql<{ product: { priceHistory: object[] } }>(
      `{ product(id: "${a?.id ?? ""}") { priceHistory { price } } }`,
    );
    expect(data?.product.priceHistory).toEqual([{ price: 8 }, { price: 7 }]);
    expect((await eventsOf(a?.id ?? "")).at(-1)).toEqual({
      type: "product.updated",
      product_id: a?.id,
      name: "Ewer",
      description: "d",
      price: 8,
      sku: "U-A",
      version: 2,
    });
    expect((await trailOf(a?.id ?? "")).at(-1)).toEqual({
      action: "PRODUCT_UPDATED",
      outcome: "OK",
      actor_id: admin.id,
      detail: { version: 2, name: "Ewer", price: 8 },
    });
  });

  test("does not pass an SKU from one product of the batch to another", async () => {
    const [a, b] = productsOf(
      await send("createProducts", [jug({ sku: "SWAP-A" }), jug({ sku: "SWAP-B" })]),
    );
    const payload = await send("updateProducts", [
      { id: a?.id, version: 1, sku: "SWAP-B" },
      { id: b?.id, version: 1, sku: "SWAP-A" },
    ]);
    expect(codesOf(payload)).toEqual(["SKU_TAKEN", "SKU_TAKEN"]);
  });

  test("gives an SKU that concurrent requests write to one product", async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => putOnSale(shop, 1)));
    const outcomes = await Promise.all(
      ids.map(async (id, n) =>
        n % 2 === 0
          ? codesOf(await send("updateProducts", [{ id, version: 1, sku: "WANTED" }]))[0]
          : shop.call("products.update", { id, version: 1, sku: "WANTED" }).then(
              () => "done",
              (error: unknown) => (error as { type: string }).type,
            ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(["done", "SKU_TAKEN"]));
  });
});

describe("updateInventories", () => {
  test("changes by a difference and to a number, and returns an error for each other one", async () => {
    const [a, b, c, d, e, f] = productsOf(
      await send(
        "createProducts",
        [5, 5, 5, 5, 0, 5].map((stock) => jug({ stock })),
      ),
    );
    const payload = await send("updateInventories", [
      { id: a?.id, change: 3 },
      { id: b?.id, change: -5 },
      { id: c?.id, stock: 2 },
      { id: d?.id, stock: 5 },
      { id: e?.id, stock: 9 },
      { id: a?.id, change: 1 },
      { id: unknownId, change: 1 },
      { id: f?.id, change: 1, stock: 1 },
      { id: f?.id, change: 1 },
    ]);
    expect(payload.results.slice(0, 5).map(({ product }) => product?.stock)).toEqual([
      8, 0, 2, 5, 9,
    ]);
    expect(codesOf(payload).slice(5)).toEqual([
      "BAD_USER_INPUT",
      "PRODUCT_NOT_FOUND",
      "BAD_USER_INPUT",
      "BAD_USER_INPUT",
    ]);
    const updated = (product_id: string | undefined, number: number) => ({
      type: "inventory.updated",
      product_id,
      change: number > 0 ? "ADDED" : "SUBTRACTED",
      number,
      order_id: null,
    });
    const ids = [a, b, c, d, e].map((product) => product?.id ?? "");
    const events = await Promise.all(ids.map(async (id) => (await eventsOf(id)).slice(1)));
    expect(events).toEqual([
      [updated(ids[0], 3)],
      [updated(ids[1], -5), { type: "inventory.depleted", product_id: ids[1], sku: null }],
      [updated(ids[2], -3)],
      [],
      [
        updated(ids[4], 9),
        { type: "inventory.replenished", product_id: ids[4], sku: null, stock: 9 },
      ],
    ]);
    expect((await trailOf(ids[2] ?? "")).at(-1)).toMatchObject({
      action: "STOCK_SET",
      actor_id: admin.id,
      detail: { stock: 2, stockBefore: 5 },
    });
  });

  test("rejects what would leave less than 0 pieces, or more than a stock can hold", async () => {
    const [low, high] = productsOf(
      await send("createProducts", [jug({ stock: 2 }), jug({ stock: 2_147_483_647 })]),
    );
    await shop.call("products.updateInventory", { id: high?.id, type: 2, number: 10 });
    const payload = await send("updateInventories", [
      { id: low?.id, change: -3 },
      { id: high?.id, change: 11 },
    ]);
    expect(payload.results[0]?.error).toMatchObject({
      code: "INSUFFICIENT_STOCK",
      asked: 3,
      left: 2,
    });
    expect(payload.results[1]?.error).toMatchObject({
      code: "BAD_USER_INPUT",
      fields: [{ field: "change" }],
    });
    expect(codesOf(await send("updateInventories", [{ id: high?.id, change: 10 }]))).toEqual([
      "done",
    ]);
  });

  test("is audited as what the caller did: a set stock is no addition", async () => {
    const mug = await putOnSale(shop, 10);
    for (const change of [{ stock: 25 }, { stock: 25 }, { stock: 4 }, { change: 3 }]) {
      await send("updateInventories", [{ id: mug, ...change }]);
    }
    const entry = { outcome: "OK", actor_id: admin.id };
    expect((await trailOf(mug)).slice(1)).toEqual([
      { ...entry, action: "STOCK_SET", detail: { stock: 25, stockBefore: 10 } },
      { ...entry, action: "STOCK_SET", detail: { stock: 4, stockBefore: 25 } },
      { ...entry, action: "STOCK_ADDED", detail: { number: 3, stock: 7 } },
    ]);
    const updates = (await eventsOf(mug)).filter(
      (event) => (event as { type: string }).type === "inventory.updated",
    );
    expect(updates.slice(-3)).toMatchObject([
      { change: "ADDED", number: 15 },
      { change: "SUBTRACTED", number: -21 },
      { change: "ADDED", number: 3 },
    ]);
  });

  test("sets the stock beside reservations, which stay as they are", async () => {
    const mug = await putOnSale(shop, 10);
    const lines = [{ product_id: mug, quantity: 4 }];
    await shop.call("products.reserve", { order_id: unknownId, lines });
    await send("updateInventories", [{ id: mug, stock: 20 }]);
    expect(await booksOf(shop.databases, mug)).toEqual({ stock: 20, reserved: 4, onHand: 24 });
    await shop.call("products.release", { order_id: unknownId });
    expect(await booksOf(shop.databases, mug)).toEqual({ stock: 24, reserved: 0, onHand: 24 });
  });

  test("runs beside orders and other batches of the same products without a deadlock", async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => putOnSale(shop, 10_000)));
    const add = (list: string[]) =>
      send(
        "updateInventories",
        list.map((id) => ({ id, change: 1 })),
      );
    const order = (list: string[]) =>
      placeOrder(shop, buyer.token, ...list.map((id): [string, number] => [id, 1]));
    const results = await Promise.all(
      Array.from({ length: 16 }, async (_, n) => {
        const list = n % 2 === 0 ? ids : ids.toReversed();
        return n % 4 < 2 ? (await add(list)).failed : ((await order(list)).code ?? 0);
      }),
    );
    expect(results).toEqual(results.map(() => 0));
  });
});

test("Product.stockHistory shows the stock on hand after each change, and who caused it", async () => {
  const mug = await putOnSale(shop, 10);
  await send("updateInventories", [{ id: mug, change: 5 }]);
  const { order } = await placeOrder(shop, buyer.token, [mug, 2]);
  const history = "stockHistory { change number stockOnHand orderId userId username at }";
  const { data, errors } = await shop.graphql<{ product: { stockHistory: object[] } }>(
    `{ product(id: "${mug}") { ${history} } }`,
    { token: admin.token },
  );
  expect(errors).toBeUndefined();
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const entries = data?.product.stockHistory ?? [];
  const none = { orderId: null, userId: null, username: null };
  // The sale is in the ledger as soon as products has consumed the order.
  const sold = { change: "SOLD", number: -2, stockOnHand: 13, orderId: order?.id, at };
  if (entries.length === 3) expect(entries.shift()).toMatchObject(sold);
  expect(entries).toEqual([
    {
      change: "ADDED",
      number: 5,
      stockOnHand: 15,
      ...none,
      userId: admin.id,
      username: "admin",
      at,
    },
    { change: "CREATED", number: 10, stockOnHand: 10, ...none, at },
  ]);
  const forbidden = await shop.graphql(`{ product(id: "${mug}") { name ${history} } }`, {
    token: buyer.token,
  });
  expect(forbidden).toMatchObject({
    data: { product: { name: "Mug", stockHistory: null } },
    errors: [{ extensions: { code: "FORBIDDEN" } }],
  });
});
