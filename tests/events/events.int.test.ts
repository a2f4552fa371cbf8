import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import { settledBooksOf } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { inputDocuments, mutations } from "../support/graphql/mutations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };
let received: EventEnvelope[];

beforeAll(async () => {
  shop = await startTestShop();
  const record = ({ params }: { params: EventEnvelope }) => {
    received.push(params);
  };
  const names = ["user.*", "product.*", "inventory.*", "order.*"];
  const events = Object.fromEntries(names.map((name) => [name, record]));
  received = [];
  shop.broker.createService({ name: "witness", events } as never);
  await shop.broker.waitForServices("witness", 10_000, 20);
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());
beforeEach(async () => {
  await eventually("the reservations of the previous test become sales", async () => {
    const held = "SELECT FROM reservations WHERE state = 'HELD' LIMIT 1";
    return (await shop.databases.query("products", held)).length === 0;
  });
  received = [];
});

/** Waits for the first event of a type since the start of the test. */
function nextEvent(type: string): Promise<EventEnvelope> {
  return eventually(`an event ${type}`, () => received.find((event) => event.type === type));
}

/** Waits until all earlier events have arrived, by a marker event. Returns them without it. */
async function allEvents(): Promise<EventEnvelope[]> {
  const { id } = await shop.call<{ id: string }>("products.create", {
    name: "marker",
    description: "",
    price: 0,
    stock: 0,
  });
  const isMarker = ({ data }: EventEnvelope) => (data as { product_id?: string }).product_id === id;
  await eventually("the marker", () => received.some(isMarker));
  return received.filter((event) => !isMarker(event));
}

function changeStock(id: string, type: number, number = 1): Promise<unknown> {
  return shop.graphql(mutations.updateInventory(id, type, number), { token: admin.token });
}

function envelope(type: string, producer: string, data: object, version = 1) {
  return {
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
    type,
    producer,
    version,
    data,
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
    occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  };
}

describe("a committed change emits", () => {
  test("user.registered without email and password", async () => {
    const input = { email: "secret@example.com", username: "ann", password: "a secret", type: 0 };
    const variables = { input };
    const { data } = await shop.graphql(inputDocuments.registerUser, { variables });
    const event = await nextEvent("user.registered");
    const expected = { user_id: data?.registerUser?.id, username: "ann", type: 0 };
    expect(event).toMatchObject(envelope("user.registered", "users", expected));
    expect(event.data).toEqual(expected);
    expect(JSON.stringify(event)).not.toMatch(/secret|example\.com|argon2/);
  });

  test("product.created", async () => {
    const product = { name: "Mug", description: "white", price: 7, stock: 3, sku: "M-7" };
    const { id } = await shop.call<{ id: string }>("products.create", product);
    const expected = { product_id: id, name: "Mug", price: 7, stock: 3, sku: "M-7" };
    const event = await nextEvent("product.created");
    expect(event).toMatchObject(envelope("product.created", "products", expected));
    expect(event.data).toEqual(expected);
  });

  test("product.updated with the whole state of the product but its stock", async () => {
    const product_id = await putOnSale(shop, 5, 7);
    await shop.graphql(mutations.updateProduct(product_id, 1, 8), { token: admin.token });
    const event = await nextEvent("product.updated");
    const expected = { product_id, name: "Mug", description: "", price: 8, sku: null, version: 2 };
    expect(event).toMatchObject(envelope("product.updated", "products", expected));
    expect(event.data).toEqual(expected);
  });

  test.each([
    [1, 4, "ADDED", 4],
    [2, 4, "SUBTRACTED", -4],
    [3, 0, "DELETED", 0],
  ])(
    "inventory.updated for type %i and number %i: %s by %i pieces",
    async (type, requested, change, number) => {
      const product_id = await putOnSale(shop, 5);
      await changeStock(product_id, type, requested);
      const event = await nextEvent("inventory.updated");
      const expected = { product_id, change, number, order_id: null };
      expect(event).toMatchObject(envelope("inventory.updated", "products", expected, 2));
      expect(event.data).toEqual(expected);
    },
  );

  test("order.placed and inventory.updated for the sale of each line", async () => {
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
    const event = await nextEvent("order.placed");
    expect(event).toMatchObject(envelope("order.placed", "orders", expected));
    const sales = await eventually("both sales are emitted", () => {
      const updates = received.filter(({ type }) => type === "inventory.updated");
      return updates.length === 2 && updates.map(({ data }) => data);
    });
    expect(sales).toEqual([
      { product_id: mug, change: "SOLD", number: -2, order_id: order?.id },
      { product_id: cup, change: "SOLD", number: -1, order_id: order?.id },
    ]);
  });

  test("each event once, with a unique id", async () => {
    const mug = await putOnSale(shop, 5);
    await Promise.all(Array.from({ length: 5 }, () => changeStock(mug, 1)));
    const ids = (await allEvents()).map(({ id }) => id);
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(6);
  });
});

describe("no event is emitted by", () => {
  test("rejected registrations, orders, updates and stock changes", async () => {
    const mug = await putOnSale(shop, 5);
    received = [];
    const update = await shop.graphql(mutations.updateProduct(mug, 2, 1), { token: admin.token });
    expect(update.code).toBe("VERSION_CONFLICT");
    const { code } = await shop.graphql(mutations.registerUser("ADMIN"));
    expect(code).toBe("EMAIL_TAKEN");
    expect((await placeOrder(shop, admin.token, [mug, 6])).code).toBe("OUT_OF_STOCK");
    expect(await changeStock(mug, 2, 6)).toMatchObject({ code: "INSUFFICIENT_STOCK" });
    expect(await allEvents()).toEqual([]);
  });

  test.each<["users" | "products" | "orders", string]>([
    ["users", "users"],
    ["products", "stock_changes"],
    ["orders", "orders"],
  ])("transactions of %s whose commit fails", async (service, table) => {
    const mug = await putOnSale(shop, 5);
    const booksBefore = await settledBooksOf(shop.databases, mug);
    await shop.databases.query(
      service,
      `CREATE FUNCTION fail_commit() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN RAISE EXCEPTION 'no commit today' USING ERRCODE = 'XX000'; END $$;
       CREATE CONSTRAINT TRIGGER fail_commit AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION fail_commit()`,
    );
    received = [];
    const attempts = {
      users: () => shop.graphql(mutations.registerUser("late")),
      products: () => changeStock(mug, 1),
      orders: () => placeOrder(shop, admin.token, [mug, 1]),
    };
    const warning = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    expect(await attempts[service]()).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    warning.mockRestore();
    await shop.databases.query(service, "DROP FUNCTION fail_commit CASCADE");
    expect(await allEvents()).toEqual([]);
    expect(await settledBooksOf(shop.databases, mug)).toEqual(booksBefore);
  });
});

describe("the services that consume events", () => {
  test("turn a reservation into a sale once, however often order.placed arrives", async () => {
    const mug = await putOnSale(shop, 5);
    await placeOrder(shop, admin.token, [mug, 2]);
    const event = await nextEvent("order.placed");
    await settledBooksOf(shop.databases, mug);
    for (let n = 0; n < 3; n += 1) await shop.broker.emit("order.placed", event);
    await allEvents();
    const sales = await shop.databases.query(
      "products",
      "SELECT change, order_id FROM stock_changes WHERE product_id = $1 AND reason = 'SOLD'",
      [mug],
    );
    expect(sales).toEqual([
      { change: -2, order_id: (event.data as { order_id: string }).order_id },
    ]);
    expect(received.filter(({ type }) => type === "inventory.updated")).toHaveLength(1);
    expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
  });

  test("keep the names of products and users in the read models of orders", async () => {
    const { id, token } = await shop.signIn("berta");
    const mug = await putOnSale(shop, 5, 7, "Mug with a name");
    await placeOrder(shop, token, [mug, 1]);
    await eventually("the read model of orders has the user", async () => {
      const sql = "SELECT FROM known_users WHERE id = $1";
      return (await shop.databases.query("orders", sql, [id])).length === 1;
    });
    const { data } = await shop.graphql(
      "{ orders(limit: 10) { username order_products { name } } }",
      { token },
    );
    expect(data?.orders).toEqual([
      { username: "berta", order_products: [{ name: "Mug with a name" }] },
    ]);
  });

  test("keep the stock of a product and its deletion in the read models of orders", async () => {
    const mug = await putOnSale(shop, 5);
    const readModel = async () => {
      const sql = "SELECT on_hand, in_catalogue FROM known_products WHERE id = $1";
      return (await shop.databases.query<object>("orders", sql, [mug]))[0];
    };
    const becomes = (on_hand: number, in_catalogue: boolean) =>
      eventually("the read model is up to date", async () => {
        expect(await readModel()).toEqual({ on_hand, in_catalogue });
        return true;
      });
    await changeStock(mug, 1, 4);
    await becomes(9, true);
    await placeOrder(shop, admin.token, [mug, 2]);
    await becomes(7, true);
    await changeStock(mug, 3);
    await becomes(7, false);
  });

  test("keep a history of each product's stock with the usernames of the changes", async () => {
    const { token } = await shop.signIn("carla");
    const created = await shop.graphql(mutations.createProduct("Mug", { price: 1, stock: 5 }), {
      token: admin.token,
    });
    const mug = String(created.data?.createProduct?.id);
    await changeStock(mug, 1, 4);
    await changeStock(mug, 2, 3);
    const { order } = await placeOrder(shop, token, [mug, 2]);
    await settledBooksOf(shop.databases, mug);
    const history = await eventually("the read model of products has the usernames", async () => {
      const entries = await shop.call<{ username: string | null }[]>("products.stockHistory", {
        id: mug,
      });
      return entries.every(({ username }) => username !== null) && entries;
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
