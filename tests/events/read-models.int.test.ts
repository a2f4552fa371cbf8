import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { settledBooksOf } from "../support/books.ts";
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

/** The rows of a table, or of any other query. */
const rows = (service: "users" | "products" | "orders", sql: string) =>
  shop.databases.query<Record<string, unknown>>(service, sql);

/** Products and users as their own services know them, and as others remember them. */
const productsAtSource = () =>
  rows(
    "products",
    `SELECT id, name, price, archived_at IS NULL AS in_catalogue,
       (SELECT sum(change)::int FROM stock_changes WHERE product_id = products.id) AS on_hand
     FROM products ORDER BY id`,
  );
const knownProducts = () =>
  rows("orders", "SELECT id, name, price, in_catalogue, on_hand FROM known_products ORDER BY id");
const usersAtSource = () => rows("users", "SELECT id, username FROM users ORDER BY id");
const knownUsers = (service: "products" | "orders") =>
  rows(service, "SELECT id, username FROM known_users ORDER BY id");

/** Waits until a copy equals its source, both as they are then. */
const becomesEqual = (copy: () => Promise<unknown>, source: () => Promise<unknown>) =>
  eventually("the copy equals its source", async () => {
    expect(await copy()).toEqual(await source());
    return true;
  });

const rebuild = (service: string, producer: string) =>
  shop.call<{ events: number }>(`${service}.rebuild`, { producer });

const headOf = async (service: string) =>
  (await shop.call<{ head: number }>(`${service}.outbox`)).head;

describe("a copy that was damaged is made anew from the log, and equals its source:", () => {
  test("products, also while orders are placed", async () => {
    const mug = await putOnSale(shop, 50, 5, "Mug");
    const cup = await putOnSale(shop, 50, 7, "Cup");
    const jug = await putOnSale(shop, 50, 9, "Jug");
    for (let n = 0; n < 5; n += 1) await placeOrder(shop, buyer.token, [mug, 2], [cup, 1]);
    await shop.call("products.updateInventory", { id: cup, type: 2, number: 3 });
    await shop.call("products.updateInventory", { id: jug, type: 3, number: 0 });
    await settledBooksOf(shop.databases, mug);
    await becomesEqual(knownProducts, productsAtSource);

    await rows("orders", `UPDATE known_products SET name = 'wrong', on_hand = -7, price = 0`);
    await rows("orders", `DELETE FROM known_products WHERE id = '${cup}'`);
    const placing = Promise.all(
      Array.from({ length: 20 }, () => placeOrder(shop, buyer.token, [mug, 1])),
    );
    const { events } = await rebuild("orders", "products");
    const answers = await placing;
    expect(answers.filter(({ order }) => order !== undefined)).toHaveLength(20);
    expect(events).toBeGreaterThanOrEqual(3 + 10 + 2);
    expect(await settledBooksOf(shop.databases, mug)).toMatchObject({ stock: 20, onHand: 20 });
    await becomesEqual(knownProducts, productsAtSource);
    const read = await shop.call("orders.productNames", { ids: [mug, cup, jug] });
    expect(read).toEqual(["Mug", "Cup", "Jug"]);
  });

  test.each(["orders", "products"] as const)("users, in %s", async (service) => {
    await rows(service, "UPDATE known_users SET username = 'wrong'");
    await rows(service, `DELETE FROM known_users WHERE id = '${buyer.id}'`);
    expect(await rebuild(service, "users")).toEqual({ events: await headOf("users") });
    await becomesEqual(() => knownUsers(service), usersAtSource);
  });

  test("again and again at once, and nothing counts twice", async () => {
    await Promise.all([
      rebuild("orders", "products"),
      rebuild("orders", "products"),
      replica.call("orders.rebuild", { producer: "products" }),
    ]);
    await becomesEqual(knownProducts, productsAtSource);
    expect(await shop.call("orders.deadLetters")).toEqual([]);
  });
});

describe("a copy is not made anew, and stays as it is,", () => {
  const refusal = (message: string) => ({
    type: "BAD_USER_INPUT",
    message: expect.stringContaining(message),
    data: { fields: [{ field: "producer", message: expect.any(String) }] },
  });

  test.each([
    ["orders", "ghosts", "products, users"],
    ["orders", "orders", "products, users"],
    // Its events are consumed, and leave no copy.
    ["products", "orders", "users"],
  ])("in %s of %s, of whose data it has none", async (service, producer, known) => {
    await expect(rebuild(service, producer)).rejects.toMatchObject(refusal(known));
  });

  test("from a log that is pruned", async () => {
    const before = await knownUsers("orders");
    await rows("users", "UPDATE event_log_head SET pruned_to = 1");
    await expect(rebuild("orders", "users")).rejects.toMatchObject(refusal("pruned"));
    await rows("users", "UPDATE event_log_head SET pruned_to = 0");
    expect(before.length).toBeGreaterThan(1);
    expect(await knownUsers("orders")).toEqual(before);
  });

  test("from a producer that is away", async () => {
    const before = await knownUsers("orders");
    const lonely = await startTestShop({}, shop.databases);
    await lonely.broker.destroyService(lonely.broker.getLocalService("users"));
    const answer = lonely
      .call("orders.rebuild", { producer: "users" })
      .finally(() => lonely.stop());
    await expect(answer).rejects.toMatchObject(refusal("not there"));
    expect(await knownUsers("orders")).toEqual(before);
  });
});

describe("what was applied together is noted:", () => {
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
  ])(
    "the batches of %s cover the logs of %j without gap and overlap",
    async (service, producers) => {
      const mug = await putOnSale(shop, 100);
      const by = [shop, replica];
      await Promise.all(
        Array.from({ length: 40 }, (_, n) => placeOrder(by[n % 2] ?? shop, buyer.token, [mug, 1])),
      );
      await settledBooksOf(shop.databases, mug);
      for (const producer of producers) {
        const cursor = `SELECT position::int FROM event_cursors WHERE producer = '${producer}'`;
        await eventually("all is read", async () => {
          expect(await rows(service, cursor)).toEqual([{ position: await headOf(producer) }]);
          return true;
        });
        const batches = (await batchesOf(service)).filter((batch) => batch.producer === producer);
        expect(batches[0]?.first).toBe(1);
        for (const [n, { last }] of batches.entries()) {
          expect(batches[n + 1]?.first ?? (await headOf(producer)) + 1).toBe(last + 1);
        }
        const nodes = by.map(({ broker }) => broker.nodeID);
        for (const { node } of batches) expect(nodes).toContain(node);
      }
    },
  );

  test("each event is found with the node and the time of its batch", async () => {
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
