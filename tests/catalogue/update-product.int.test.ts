import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  InventoryUpdatedDocument,
  ProductBySkuDocument,
  ShopClient,
} from "../../clients/typescript/src/index.ts";
import { eventually } from "../../tools/support/eventually.ts";
import type { Product } from "../../services/products/products.contract.ts";
import { mutations, unknownId } from "../support/graphql/mutations.ts";
import { clientErrorOf } from "../support/http/error-expectations.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

interface ProductWithHistory extends Product {
  priceHistory: { price: number; validFrom: string }[];
}

const fields =
  "id name description price stock sku version createdAt updatedAt priceHistory { price validFrom }";

let shop: TestShop;
/** Another node with all services, on the same databases. */
let replica: TestShop;
let admin: { id: string; token: string };
let buyer: { id: string; token: string };
/** A new product with stock 10 and price 500, as the action returns it. */
let mug: Product;

beforeAll(async () => {
  shop = await startTestShop();
  replica = await startTestShop({}, shop.databases);
  admin = await shop.signIn("admin", 1);
  buyer = await shop.signIn("buyer");
});
afterAll(async () => {
  await replica.stop();
  await shop.stop();
});
beforeEach(async () => {
  mug = await shop.call("products.get", { id: await putOnSale(shop, 10, 500) });
});

async function dataOf<Data>(query: string, variables = {}): Promise<Data> {
  const { token } = admin;
  const { data, errors } = await shop.graphql<Data>(query, { variables, token });
  expect(errors).toBeUndefined();
  return data as Data;
}

const updateDocument = `mutation ($input: UpdateProductInput!) {
  updateProduct(input: $input) { ${fields} } }`;

async function update(input: object): Promise<ProductWithHistory> {
  const { updateProduct } = await dataOf<{ updateProduct: ProductWithHistory }>(updateDocument, {
    input,
  });
  return updateProduct;
}

async function read(id: string): Promise<ProductWithHistory> {
  return (await dataOf<{ product: ProductWithHistory }>(`{ product(id: "${id}") { ${fields} } }`))
    .product;
}

/** Sends an update that must fail. Returns the extensions of the error. */
const errorOf = (input: object) => clientErrorOf(shop.url, updateDocument, { input }, admin.token);

function rejectionsOf(outcomes: PromiseSettledResult<unknown>[]): unknown[] {
  return outcomes.flatMap((one): unknown[] => (one.status === "rejected" ? [one.reason] : []));
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe("a new product", () => {
  test("has version 1, no SKU, equal times and one price", async () => {
    const { data } = await shop.graphql<{ createProduct: ProductWithHistory }>(
      `mutation { createProduct(input: { name: "Jug", description: "d", price: 7, stock: 2 }) {
         ${fields} } }`,
      { token: admin.token },
    );
    const jug = data?.createProduct;
    expect(jug?.createdAt).toMatch(instant);
    expect(jug).toEqual({
      id: expect.any(String),
      name: "Jug",
      description: "d",
      price: 7,
      stock: 2,
      sku: null,
      version: 1,
      createdAt: jug?.createdAt,
      updatedAt: jug?.createdAt,
      priceHistory: [{ price: 7, validFrom: jug?.createdAt }],
    });
    expect(await read(jug?.id ?? "")).toEqual(jug);
  });

  test("of a node of the previous version gets the defaults", async () => {
    await shop.databases.query(
      "products",
      `INSERT INTO products (id, name, description, price, stock, created_at)
       VALUES ($1, 'Old', '', 3, 0, '2026-01-31T12:00:00.123987Z')`,
      [unknownId],
    );
    const createdAt = "2026-01-31T12:00:00.123Z";
    expect(await read(unknownId)).toMatchObject({
      sku: null,
      version: 1,
      createdAt,
      updatedAt: createdAt,
      priceHistory: [{ price: 3, validFrom: createdAt }],
    });
    const { priceHistory } = await update({ id: unknownId, version: 1, price: 4 });
    expect(priceHistory).toEqual([
      { price: 4, validFrom: expect.stringMatching(instant) },
      { price: 3, validFrom: createdAt },
    ]);
  });
});

describe("updateProduct", () => {
  test("changes the given properties and returns the product with its next version", async () => {
    const { id, createdAt } = mug;
    const renamed = await update({ id, version: 1, name: "Cup" });
    expect(renamed).toMatchObject({
      ...mug,
      name: "Cup",
      version: 2,
      updatedAt: expect.any(String),
    });
    expect(renamed.updatedAt > createdAt).toBe(true);
    const changes = { description: "white", price: 600, sku: "SAUCER-1" };
    const changed = await update({ id, version: 2, ...changes });
    expect(changed).toMatchObject({
      id,
      name: "Cup",
      ...changes,
      stock: 10,
      version: 3,
      createdAt,
    });
    expect(changed.updatedAt >= renamed.updatedAt).toBe(true);
    expect(await read(id)).toEqual(changed);
  });

  test("takes null as not given", async () => {
    const updated = await update({
      id: mug.id,
      version: 1,
      name: null,
      description: null,
      price: 1,
      sku: null,
    });
    expect(updated).toMatchObject({ name: "Mug", description: "", price: 1, sku: null });
  });

  test("is not affected by changes of the stock, and does not affect the stock", async () => {
    const { id } = mug;
    await shop.call("products.updateInventory", { id, type: 1, number: 5 });
    await placeOrder(shop, buyer.token, [id, 2]);
    expect(await read(id)).toMatchObject({ version: 1, updatedAt: mug.createdAt, stock: 13 });
    expect(await update({ id, version: 1, price: 1 })).toMatchObject({ version: 2, stock: 13 });
  });

  test("rejects an update of another version with VERSION_CONFLICT and the current version", async () => {
    const { id } = mug;
    await update({ id, version: 1, price: 600 });
    for (const version of [1, 3]) {
      expect(await errorOf({ id, version, price: 700 })).toMatchObject({
        code: "VERSION_CONFLICT",
        product_id: id,
        version: 2,
      });
    }
    expect(await read(id)).toMatchObject({ price: 600, version: 2 });
  });

  test("accepts one of concurrent updates of the same version on two nodes", async () => {
    const { id } = mug;
    for (let version = 1; version <= 5; version += 1) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, n) =>
          (n % 2 ? replica : shop).call("products.update", { id, version, price: 100 + n }),
        ),
      );
      const rejected = rejectionsOf(outcomes);
      expect(rejected).toHaveLength(11);
      for (const reason of rejected) {
        expect(reason).toMatchObject({ type: "VERSION_CONFLICT", data: { version: version + 1 } });
      }
    }
    expect(await read(id)).toMatchObject({ version: 6 });
  });

  test("rejects an update without a change, invalid values and unknown products", async () => {
    const { id } = mug;
    expect(await errorOf({ id, version: 1 })).toMatchObject({ code: "BAD_USER_INPUT" });
    for (const change of [{ name: "" }, { price: -1 }, { sku: " " }, { sku: "x".repeat(65) }]) {
      const [field] = Object.keys(change);
      expect(await errorOf({ id, version: 1, ...change })).toMatchObject({
        code: "BAD_USER_INPUT",
        fields: [{ field }],
      });
    }
    const unknown = { id: unknownId.replace(/0$/, "1"), version: 1, price: 1 };
    expect(await errorOf(unknown)).toEqual({ code: "PRODUCT_NOT_FOUND", product_id: unknown.id });
    await shop.call("products.updateInventory", { id, type: 3, number: 0 });
    expect((await errorOf({ id, version: 1, price: 1 })).code).toBe("PRODUCT_NOT_FOUND");
  });

  test("is recorded in the audit trail with the new values", async () => {
    await update({ id: mug.id, version: 1, price: 600, description: "long" });
    const trail = "{ productsAudit(limit: 1) { action outcome actorId subjectId detail } }";
    const { productsAudit } = await dataOf<{ productsAudit: { detail: string }[] }>(trail);
    expect(productsAudit).toEqual([
      {
        action: "PRODUCT_UPDATED",
        outcome: "OK",
        actorId: admin.id,
        subjectId: mug.id,
        detail: expect.any(String),
      },
    ]);
    const detail: unknown = JSON.parse(productsAudit[0]?.detail ?? "");
    expect(detail).toEqual({ version: 2, price: 600, description: "changed" });
  });
});

describe("after an update", () => {
  test("all lookups, lists, sorts, searches and joins return the new values", async () => {
    const { id } = mug;
    const old = { name: "Zarfholder", price: 1_000_001 };
    await update({ id, version: 1, ...old });
    const { order } = await placeOrder(shop, buyer.token, [id, 1]);
    const next = { name: "Aaaquaich", description: "pewter", price: 2_000_002 };
    await update({ id, version: 2, ...next });
    const shown = { id, name: next.name, price: next.price };
    const search = (word: string) => `productsConnection(search: "${word}") { nodes { id } }`;
    const select = "nodes { id name price }";
    const found = await dataOf<Record<string, { nodes: object[] }>>(`{
      byOldName: ${search("zarfholder")} byNewName: ${search("aaaquaich")}
      byDescription: ${search("pewter")}
      byPrice: productsConnection(first: 1, sort: PRICE_DESC) { ${select} }
      byName: productsConnection(first: 1, sort: NAME_ASC) { ${select} }
      inOldRange: productsConnection(filter: { price_min: 1000000, price_max: 1000002 }) { ${select} }
    }`);
    expect(found.byOldName?.nodes).toEqual([]);
    expect(found.byNewName?.nodes).toEqual([{ id }]);
    expect(found.byDescription?.nodes).toEqual([{ id }]);
    expect(found.byPrice?.nodes).toEqual([shown]);
    expect(found.byName?.nodes).toEqual([shown]);
    expect(found.inOldRange?.nodes).toEqual([]);
    const { product, products } = await dataOf<{ product: object; products: object[] }>(
      `{ product(id: "${id}") { id name price } products { id name price } }`,
    );
    expect(product).toEqual(shown);
    expect(products).toContainEqual(shown);
    const lines = "order_products { name price product { name price } }";
    await eventually("the name in the read model of orders", async () => {
      const read = await dataOf<{ order: { order_products: object[] } }>(
        `{ order(id: "${order?.id ?? ""}") { ${lines} } }`,
      );
      expect(read.order.order_products).toEqual([
        // The price of the order does not change.
        { name: next.name, price: old.price, product: { name: next.name, price: next.price } },
      ]);
      return true;
    });
    const later = await placeOrder(shop, buyer.token, [id, 1]);
    expect(later.order?.price_total).toBe(next.price);
  });

  test("subscriptions return the new values of a product", async () => {
    const { id } = mug;
    const client = new ShopClient({ url: `${shop.url}/graphql` });
    const changes = client.subscribe(InventoryUpdatedDocument, { productId: id });
    const first = changes.next();
    await eventually("the subscription", () => subscriptionsTo(shop, "inventory.updated") > 0);
    await update({ id, version: 1, name: "Cup", price: 600 });
    await shop.call("products.updateInventory", { id, type: 1, number: 1 });
    expect((await first).value?.inventoryUpdated.product).toMatchObject({
      name: "Cup",
      price: 600,
      version: 2,
    });
    await changes.return();
  });
});

describe("an SKU", () => {
  const withSku = (sku: string, name = "Jug") =>
    shop.call<Product>("products.create", { name, description: "", price: 1, stock: 0, sku });
  const bySku = (sku: string) => shop.graphql(ProductBySkuDocument, { variables: { sku } });

  test("finds its product, in the same case and any Unicode normalization form", async () => {
    const { id, sku } = await withSku("Pa\u0302te\u0301 1/2");
    expect(sku).toBe("P\u00e2t\u00e9 1/2");
    for (const same of [sku ?? "", "Pa\u0302te\u0301 1/2"]) {
      expect((await bySku(same)).data).toMatchObject({ productBySku: { id, sku } });
    }
    const { data, errors } = await bySku("p\u00e2t\u00e9 1/2");
    expect(data).toBeNull();
    expect(errors?.[0]?.extensions).toMatchObject({
      code: "PRODUCT_NOT_FOUND",
      sku: "p\u00e2t\u00e9 1/2",
    });
  });

  test("belongs to one product of the catalogue, and is free after a removal or deletion", async () => {
    const { id } = await withSku("ONE");
    await expect(withSku("ONE")).rejects.toMatchObject({ type: "SKU_TAKEN", code: 409 });
    expect(await errorOf({ id: mug.id, version: 1, sku: "ONE" })).toEqual({ code: "SKU_TAKEN" });
    expect(await read(mug.id)).toMatchObject({ sku: null, version: 1 });
    expect(await update({ id, version: 1, sku: "ONE" })).toMatchObject({ sku: "ONE", version: 2 });
    expect(await update({ id, version: 2, sku: "" })).toMatchObject({ sku: null, version: 3 });
    expect((await bySku("ONE")).code).toBe("PRODUCT_NOT_FOUND");
    await update({ id: mug.id, version: 1, sku: "ONE" });
    await shop.call("products.updateInventory", { id: mug.id, type: 3, number: 0 });
    expect((await bySku("ONE")).code).toBe("PRODUCT_NOT_FOUND");
    expect((await withSku("ONE")).sku).toBe("ONE");
  });

  test("is given to one of concurrent products", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        (n % 2 ? replica : shop).call("products.create", {
          name: `Jug ${n}`,
          description: "",
          price: 1,
          stock: 0,
          sku: "RACE",
        }),
      ),
    );
    const rejected = rejectionsOf(outcomes);
    expect(rejected).toHaveLength(7);
    for (const reason of rejected) expect(reason).toMatchObject({ type: "SKU_TAKEN" });
  });
});

describe("the price history", () => {
  test("grows only when a price changes, and is newest first", async () => {
    const { id } = mug;
    await update({ id, version: 1, name: "Cup" });
    await update({ id, version: 2, price: 500 });
    expect((await read(id)).priceHistory).toEqual([{ price: 500, validFrom: mug.createdAt }]);
    const second = await update({ id, version: 3, price: 600 });
    const third = await update({ id, version: 4, price: 500, name: "Mug" });
    await update({ id, version: 5, description: "white" });
    const { priceHistory } = await read(id);
    expect(priceHistory).toEqual([
      { price: 500, validFrom: third.updatedAt },
      { price: 600, validFrom: second.updatedAt },
      { price: 500, validFrom: mug.createdAt },
    ]);
  });

  test("has at most 50 prices, and is read for many products with one call", async () => {
    const { id } = mug;
    for (let version = 1; version <= 55; version += 1) {
      await shop.call("products.update", { id, version, price: version });
    }
    const { priceHistory } = await read(id);
    expect(priceHistory.map(({ price }) => price)).toEqual(
      Array.from({ length: 50 }, (_, n) => 55 - n),
    );
    const cup = await putOnSale(shop, 1, 9);
    const unknown = unknownId.replace(/0$/, "2");
    const histories = await shop.call<{ price: number }[][]>("products.priceHistory", {
      ids: [cup, unknown, id, cup],
    });
    expect(histories.map((prices) => prices.length)).toEqual([1, 0, 50, 1]);
    expect(histories[0]).toMatchObject([{ price: 9 }]);
  });

  test("is for everyone", async () => {
    const { data, errors } = await shop.graphql(
      `{ product(id: "${mug.id}") { priceHistory { price } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({ product: { priceHistory: [{ price: 500 }] } });
  });
});

test("an update with an idempotency key can be repeated after later updates", async () => {
  const document = mutations.updateProduct(mug.id, 1, 600);
  const request = { token: admin.token, headers: { "idempotency-key": "first update" } };
  expect((await shop.graphql(document, request)).code).toBe("BAD_USER_INPUT");
  request.headers["idempotency-key"] = "first-update";
  const first = await shop.graphql(document, request);
  await update({ id: mug.id, version: 2, price: 700 });
  expect(await shop.graphql(document, request)).toEqual(first);
  expect((await shop.graphql(document, { token: admin.token })).code).toBe("VERSION_CONFLICT");
  expect(await read(mug.id)).toMatchObject({ price: 700, version: 3 });
});

test("lowStockProducts has no product that is sold out or has plenty, and the lowest stock first", async () => {
  const [three, none, one, six] = await Promise.all(
    [3, 0, 1, 6].map((stock) => putOnSale(shop, stock)),
  );
  const { lowStockProducts } = await dataOf<{ lowStockProducts: Product[] }>(
    "{ lowStockProducts(maxStock: 5) { id } }",
  );
  const ids = lowStockProducts.map(({ id }) => id);
  expect(ids.filter((id) => [three, none, one, six].includes(id))).toEqual([one, three]);
});

test("productsBySku returns products in the order of the SKUs", async () => {
  const create = async (sku: string) => {
    const input = { name: "Cup", description: "", price: 1, stock: 1, sku };
    return (await shop.call<Product>("products.create", input)).id;
  };
  const [first, second] = [await create("DISH-1"), await create("DISH-2")];
  const cafe = await create("Caf\u00e9-1");
  const { productsBySku } = await dataOf<{ productsBySku: (Product | null)[] }>(
    '{ productsBySku(skus: ["DISH-2", "dish-1", "DISH-1", "DISH-2"]) { id } }',
  );
  expect(productsBySku).toEqual([{ id: second }, null, { id: first }, { id: second }]);
  const decomposed = await dataOf<{ productsBySku: (Product | null)[] }>(
    '{ productsBySku(skus: ["Cafe\u0301-1"]) { id } }',
  );
  expect(decomposed.productsBySku).toEqual([{ id: cafe }]);
});
