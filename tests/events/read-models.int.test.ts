import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { settledBooksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let replica: TestShop;
let buyer: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  replica = await startTestShop({}, shop.databases);
  buyer = await shop.signIn("buyer");
  await shop.signIn("admin", 1);
});
afterAll(async () => {
  await replica.stop();
  await shop.stop();
});

/** Returns the rows of a query. */
const rows = (service: "users" | "products" | "orders", sql: string) =>
  shop.databases.query<Record<string, unknown>>(service, sql);

// Products and users in their own services, and in the read models of other services.
const productsAtSource = () =>
  rows(
    "products",
    `SELECT id, name, price, version, archived_at IS NULL AS in_catalogue,
       (SELECT sum(change)::int FROM stock_changes WHERE product_id = products.id) AS on_hand
     FROM products ORDER BY id`,
  );
const productsReadModel = () =>
  rows(
    "orders",
    "SELECT id, name, price, version, in_catalogue, on_hand FROM known_products ORDER BY id",
  );
const usersAtSource = () => rows("users", "SELECT id, username FROM users ORDER BY id");
const usersReadModel = (service: "products" | "orders") =>
  rows(service, "SELECT id, username FROM known_users ORDER BY id");

/** Waits until a read model equals its source. Both are read again for each comparison. */
const becomesEqual = (readModel: () => Promise<unknown>, source: () => Promise<unknown>) =>
  eventually("the read model equals its source", async () => {
    expect(await readModel()).toEqual(await source());
    return true;
  });

const rebuild = (service: string, producer: string) =>
  shop.call<{ events: number }>(`${service}.rebuild`, { producer });

const headOf = async (service: string) =>
  (await shop.call<{ head: number }>(`${service}.outbox`)).head;

describe("rebuilding restores a damaged read model", () => {
  test("of products while orders are placed", async () => {
    const mug = await putOnSale(shop, 50, 5, "Mug");
    const cup = await putOnSale(shop, 50, 7, "Cup");
    const jug = await putOnSale(shop, 50, 9, "Jug");
    for (let n = 0; n < 5; n += 1) await placeOrder(shop, buyer.token, [mug, 2], [cup, 1]);
    await shop.call("products.updateInventory", { id: cup, type: 2, number: 3 });
    await shop.call("products.updateInventory", { id: jug, type: 3, number: 0 });
    // Several updates of a product in one batch, mixed with other events.
    for (let version = 1; version <= 4; version += 1) {
      await shop.call("products.update", {
        id: cup,
        version,
        price: version,
        name: `Cup ${version}`,
      });
      await shop.call("products.update", { id: mug, version, price: 10 * version });
      if (version === 2)
        await shop.call("products.updateInventory", { id: cup, type: 1, number: 1 });
    }
    await settledBooksOf(shop.databases, mug);
    await becomesEqual(productsReadModel, productsAtSource);

    await rows("orders", `UPDATE known_products SET name = 'wrong', on_hand = -7, price = 0`);
    await rows("orders", `DELETE FROM known_products WHERE id = '${cup}'`);
    const placing = Promise.all(
      Array.from({ length: 20 }, () => placeOrder(shop, buyer.token, [mug, 1])),
    );
    const { events } = await rebuild("orders", "products");
    const results = await placing;
    expect(results.filter(({ order }) => order !== undefined)).toHaveLength(20);
    expect(events).toBeGreaterThanOrEqual(3 + 10 + 2 + 9);
    expect(await settledBooksOf(shop.databases, mug)).toMatchObject({ stock: 20, onHand: 20 });
    await becomesEqual(productsReadModel, productsAtSource);
    const names = await shop.call("orders.productNames", { ids: [mug, cup, jug] });
    expect(names).toEqual(["Mug", "Cup 4", "Jug"]);
  });

  test.each(["orders", "products"] as const)("of users in %s", async (service) => {
    await rows(service, "UPDATE known_users SET username = 'wrong'");
    await rows(service, `DELETE FROM known_users WHERE id = '${buyer.id}'`);
    expect(await rebuild(service, "users")).toEqual({ events: await headOf("users") });
    await becomesEqual(() => usersReadModel(service), usersAtSource);
  });

  test("in parallel on two nodes without counting an event twice", async () => {
    await Promise.all([
      rebuild("orders", "products"),
      rebuild("orders", "products"),
      replica.call("orders.rebuild", { producer: "products" }),
    ]);
    await becomesEqual(productsReadModel, productsAtSource);
    expect(await shop.call("orders.deadLetters")).toEqual([]);
  });
});

test("a redriven update of a product does not replace newer ones", async () => {
  const mug = await putOnSale(shop, 50, 5, "Mug");
  for (let version = 1; version <= 3; version += 1) {
    await shop.call("products.update", { id: mug, version, price: 10 * version });
  }
  await becomesEqual(productsReadModel, productsAtSource);
  const [log] = await rows(
    "products",
    `SELECT json_build_object('id', id, 'type', type, 'version', version, 'producer', 'products',
       'position', position, 'occurredAt', occurred_at, 'data', data) AS event
     FROM event_log WHERE type = 'product.updated' AND data ->> 'product_id' = '${mug}'
     ORDER BY position LIMIT 1`,
  );
  const { id, position } = log?.event as { id: string; position: number };
  await shop.databases.query(
    "orders",
    `INSERT INTO dead_letters (id, producer, position, event, reason)
     VALUES ($1, 'products', $2, $3, 'unknown type')`,
    [id, position, JSON.stringify(log?.event)],
  );
  expect(await shop.call("orders.redrive", { id })).toEqual({ redriven: true });
  expect(await productsReadModel()).toEqual(await productsAtSource());
});

describe("rebuilding is rejected, and the read model stays unchanged,", () => {
  const badUserInput = (message: string) => ({
    type: "BAD_USER_INPUT",
    message: expect.stringContaining(message),
    data: { fields: [{ field: "producer", message: expect.any(String) }] },
  });

  test.each([
    ["orders", "ghosts", "products, users"],
    ["orders", "orders", "products, users"],
    // Products consumes events of orders, but has no read model of orders.
    ["products", "orders", "users"],
  ])("if %s has no read model of %s", async (service, producer, alternatives) => {
    await expect(rebuild(service, producer)).rejects.toMatchObject(badUserInput(alternatives));
  });

  test("if the log of the producer is pruned", async () => {
    const before = await usersReadModel("orders");
    await rows("users", "UPDATE event_log_head SET pruned_to = 1");
    await expect(rebuild("orders", "users")).rejects.toMatchObject(badUserInput("pruned"));
    await rows("users", "UPDATE event_log_head SET pruned_to = 0");
    expect(before.length).toBeGreaterThan(1);
    expect(await usersReadModel("orders")).toEqual(before);
  });

  test("if the producer is unavailable", async () => {
    const before = await usersReadModel("orders");
    const withoutUsers = await startTestShop({}, shop.databases);
    await withoutUsers.broker.destroyService(withoutUsers.broker.getLocalService("users"));
    const call = withoutUsers
      .call("orders.rebuild", { producer: "users" })
      .finally(() => withoutUsers.stop());
    await expect(call).rejects.toMatchObject(badUserInput("unavailable"));
    expect(await usersReadModel("orders")).toEqual(before);
  });
});

describe("the records of consumed batches", () => {
  interface Batch {
    producer: string;
    first: number;
    last: number;
    node: string;
  }
  const batchesOf = (service: "products" | "orders") =>
    shop.databases.query<Batch>(
      service,
      `SELECT producer, first_position::int AS first, last_position::int AS last, node
       FROM event_batches ORDER BY producer, first_position`,
    );

  test.each<["products" | "orders", string[]]>([
    ["products", ["orders", "users"]],
    ["orders", ["products", "users"]],
  ])("of %s cover the logs of %j without gaps and overlaps", async (service, producers) => {
    const mug = await putOnSale(shop, 100);
    const shops = [shop, replica];
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => placeOrder(shops[n % 2] ?? shop, buyer.token, [mug, 1])),
    );
    await settledBooksOf(shop.databases, mug);
    for (const producer of producers) {
      const cursor = `SELECT position::int FROM event_cursors WHERE producer = '${producer}'`;
      await eventually("the consumer has caught up", async () => {
        expect(await rows(service, cursor)).toEqual([{ position: await headOf(producer) }]);
        return true;
      });
      const batches = (await batchesOf(service)).filter((batch) => batch.producer === producer);
      expect(batches[0]?.first).toBe(1);
      for (const [n, { last }] of batches.entries()) {
        expect(batches[n + 1]?.first ?? (await headOf(producer)) + 1).toBe(last + 1);
      }
      const nodes = shops.map(({ broker }) => broker.nodeID);
      for (const { node } of batches) expect(nodes).toContain(node);
    }
  });

  test("give the node and the time for each consumed event", async () => {
    const head = await headOf("orders");
    const consumed = await shop.call<{ position: number; node: string; at: string }[]>(
      "products.consumed",
      { producer: "orders", positions: [1, head, head + 1] },
    );
    const batches = (await batchesOf("products")).filter(({ producer }) => producer === "orders");
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    expect(consumed).toEqual([
      { position: 1, node: batches[0]?.node, at },
      { position: head, node: batches.at(-1)?.node, at },
    ]);
  });
});
