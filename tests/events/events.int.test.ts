import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import { settledBooksOf } from "../support/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };
let seen: EventEnvelope[];

beforeAll(async () => {
  shop = await startTestShop();
  const note = ({ params }: { params: EventEnvelope }) => {
    seen.push(params);
  };
  const names = ["user.*", "product.*", "inventory.*", "order.*"];
  const events = Object.fromEntries(names.map((name) => [name, note]));
  seen = [];
  shop.broker.createService({ name: "witness", events } as never);
  await shop.broker.waitForServices("witness", 10_000, 20);
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());
beforeEach(async () => {
  await eventually("what was before is told", async () => {
    const held = "SELECT FROM reservations WHERE state = 'HELD' LIMIT 1";
    return (await shop.databases.query("products", held)).length === 0;
  });
  seen = [];
});

/** Waits for the first event of a type since the test began. */
function emitted(type: string): Promise<EventEnvelope> {
  return eventually(`an event ${type}`, () => seen.find((event) => event.type === type));
}

/** Makes an event of its own and waits for it: what was emitted before is there by then. */
async function seenUntilNow(): Promise<EventEnvelope[]> {
  const { id } = await shop.call<{ id: string }>("products.create", {
    name: "marker",
    description: "",
    price: 0,
    stock: 0,
  });
  const isMarker = ({ data }: EventEnvelope) => (data as { product_id?: string }).product_id === id;
  await eventually("the marker", () => seen.some(isMarker));
  return seen.filter((event) => !isMarker(event));
}

function changeStock(id: string, type: number, number = 1): Promise<unknown> {
  return shop.graphql(
    `mutation { updateInventory(input: { id: "${id}", type: ${type}, number: ${number} }) { success } }`,
    { token: admin.token },
  );
}

function envelope(type: string, producer: string, data: object, version = 1) {
  return {
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
    type,
    producer,
    version,
    data,
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  };
}

describe("what happens is told:", () => {
  test("user.registered, without email and password", async () => {
    const input = `{ email: "secret@example.com", username: "ann", password: "a secret", type: 0 }`;
    const { data } = await shop.graphql(`mutation { registerUser(input: ${input}) { id } }`);
    const event = await emitted("user.registered");
    const expected = { user_id: data?.registerUser?.id, username: "ann", type: 0 };
    expect(event).toMatchObject(envelope("user.registered", "users", expected));
    expect(event.data).toEqual(expected);
    expect(JSON.stringify(event)).not.toMatch(/secret|example\.com|argon2/);
  });

  test("product.created", async () => {
    const product = { name: "Mug", description: "white", price: 7, stock: 3 };
    const { id } = await shop.call<{ id: string }>("products.create", product);
    const expected = { product_id: id, name: "Mug", price: 7, stock: 3 };
    const event = await emitted("product.created");
    expect(event).toMatchObject(envelope("product.created", "products", expected));
  });

  test.each([
    [1, 4, "ADDED", 4],
    [2, 4, "SUBTRACTED", -4],
    [3, 0, "DELETED", 0],
  ])(
    "inventory.updated, by type %i and number %i: %s, by %i pieces",
    async (type, asked, change, number) => {
      const product_id = await putOnSale(shop, 5);
      await changeStock(product_id, type, asked);
      const event = await emitted("inventory.updated");
      const expected = { product_id, change, number, order_id: null };
      expect(event).toMatchObject(envelope("inventory.updated", "products", expected, 2));
      expect(event.data).toEqual(expected);
    },
  );

  test("order.placed, and inventory.updated for the sale of each line", async () => {
    const mug = await putOnSale(shop, 5, 7);
    const cup = await putOnSale(shop, 5, 2);
    const { order } = await placeOrder(shop, admin.token, [mug, 2], [cup, 1]);
    const expected = {
      order_id: order?.id,
      user_id: admin.id,
      price_total: 16,
      quantity: 3,
      lines: [
        { product_id: mug, quantity: 2, price: 7 },
        { product_id: cup, quantity: 1, price: 2 },
      ],
    };
    const event = await emitted("order.placed");
    expect(event).toMatchObject(envelope("order.placed", "orders", expected));
    const sales = await eventually("both sales", () => {
      const found = seen.filter(({ type }) => type === "inventory.updated");
      return found.length === 2 && found.map(({ data }) => data);
    });
    expect(sales).toEqual([
      { product_id: mug, change: "SOLD", number: -2, order_id: order?.id },
      { product_id: cup, change: "SOLD", number: -1, order_id: order?.id },
    ]);
  });

  test("each once, by an id of its own", async () => {
    const mug = await putOnSale(shop, 5);
    await Promise.all(Array.from({ length: 5 }, () => changeStock(mug, 1)));
    const ids = (await seenUntilNow()).map(({ id }) => id);
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(6);
  });
});

describe("what does not happen is not told:", () => {
  test("registrations, orders and changes that are refused", async () => {
    const mug = await putOnSale(shop, 5);
    seen = [];
    const input = `{ email: "ADMIN@example.com", username: "x", password: "${password}", type: 0 }`;
    const taken = await shop.graphql(`mutation { registerUser(input: ${input}) { id } }`);
    expect(taken.code).toBe("EMAIL_TAKEN");
    expect((await placeOrder(shop, admin.token, [mug, 6])).code).toBe("OUT_OF_STOCK");
    expect(await changeStock(mug, 2, 6)).toMatchObject({ code: "INSUFFICIENT_STOCK" });
    expect(await seenUntilNow()).toEqual([]);
  });

  test.each<["users" | "products" | "orders", string]>([
    ["users", "users"],
    ["products", "stock_changes"],
    ["orders", "orders"],
  ])("transactions of %s that fail in the very moment of their commit", async (service, table) => {
    const mug = await putOnSale(shop, 5);
    const sold = await settledBooksOf(shop.databases, mug);
    await shop.databases.query(
      service,
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN RAISE EXCEPTION 'no commit today' USING ERRCODE = 'XX000'; END $$;
       CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
    seen = [];
    const input = `{ email: "late@example.com", username: "x", password: "${password}", type: 0 }`;
    const attempts = {
      users: () => shop.graphql(`mutation { registerUser(input: ${input}) { id } }`),
      products: () => changeStock(mug, 1),
      orders: () => placeOrder(shop, admin.token, [mug, 1]),
    };
    const warning = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    expect(await attempts[service]()).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    warning.mockRestore();
    await shop.databases.query(service, `DROP FUNCTION refuse CASCADE`);
    expect(await seenUntilNow()).toEqual([]);
    expect(await settledBooksOf(shop.databases, mug)).toEqual(sold);
  });
});

describe("who hears of it", () => {
  test("turns a reservation into a sale once, however often it hears of the order", async () => {
    const mug = await putOnSale(shop, 5);
    await placeOrder(shop, admin.token, [mug, 2]);
    const event = await emitted("order.placed");
    await settledBooksOf(shop.databases, mug);
    for (let n = 0; n < 3; n += 1) await shop.broker.emit("order.placed", event);
    await seenUntilNow();
    const sales = await shop.databases.query(
      "products",
      "SELECT change, order_id FROM stock_changes WHERE product_id = $1 AND reason = 'SOLD'",
      [mug],
    );
    expect(sales).toEqual([
      { change: -2, order_id: (event.data as { order_id: string }).order_id },
    ]);
    expect(seen.filter(({ type }) => type === "inventory.updated")).toHaveLength(1);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
  });

  test("learns the names of products and users, and says them in lists of orders", async () => {
    const { id, token } = await shop.signIn("berta");
    const mug = await putOnSale(shop, 5, 7, "Mug with a name");
    await placeOrder(shop, token, [mug, 1]);
    await eventually("orders knows the user", async () => {
      const sql = "SELECT FROM known_users WHERE id = $1";
      return (await shop.databases.query("orders", sql, [id])).length === 1;
    });
    const { data } = await shop.graphql(
      "{ orders(limit: 10) { username order_products { name } } }",
      {
        token,
      },
    );
    expect(data?.orders).toEqual([
      { username: "berta", order_products: [{ name: "Mug with a name" }] },
    ]);
  });

  test("follows the stock of a product, and its leaving the catalogue", async () => {
    const mug = await putOnSale(shop, 5);
    const known = async () => {
      const sql = "SELECT on_hand, in_catalogue FROM known_products WHERE id = $1";
      return (await shop.databases.query<object>("orders", sql, [mug]))[0];
    };
    const becomes = (on_hand: number, in_catalogue: boolean) =>
      eventually("orders follows", async () => {
        expect(await known()).toEqual({ on_hand, in_catalogue });
        return true;
      });
    await changeStock(mug, 1, 4);
    await becomes(9, true);
    await placeOrder(shop, admin.token, [mug, 2]);
    await becomes(7, true);
    await changeStock(mug, 3);
    await becomes(7, false);
  });

  test("keeps a history of each product's stock, with the names of those who changed it", async () => {
    const { token } = await shop.signIn("carla");
    const created = await shop.graphql(
      'mutation { createProduct(input: { name: "Mug", description: "", price: 1, stock: 5 }) { id } }',
      { token: admin.token },
    );
    const mug = String(created.data?.createProduct?.id);
    await changeStock(mug, 1, 4);
    await changeStock(mug, 2, 3);
    const { order } = await placeOrder(shop, token, [mug, 2]);
    await settledBooksOf(shop.databases, mug);
    const history = await eventually("the names are known", async () => {
      const found = await shop.call<{ username: string | null }[]>("products.stockHistory", {
        id: mug,
      });
      return found.every(({ username }) => username !== null) && found;
    });
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    const byAdmin = { order_id: null, user_id: admin.id, username: "admin", at };
    expect(history).toEqual([
      {
        change: -2,
        reason: "SOLD",
        order_id: order?.id,
        user_id: order?.user_id,
        username: "carla",
        at,
      },
      { change: -3, reason: "SUBTRACTED", ...byAdmin },
      { change: 4, reason: "ADDED", ...byAdmin },
      { change: 5, reason: "CREATED", ...byAdmin },
    ]);
  });
});
