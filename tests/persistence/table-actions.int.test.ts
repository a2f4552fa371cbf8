import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Context } from "moleculer";
import { gatewayName } from "../../core/access.ts";
import { defineContract } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

type Row = Record<string, unknown> & { id: string };

interface Page {
  rows: Row[];
  total: number;
  page: number;
  pageSize: number;
  totalPages: number;
}

/** An id that no row has. */
const unknownId = "01890a5d-ac96-774b-bcce-b302099a8057";

let shop: TestShop;
let ann: string;
let ben: string;
let mugs: string[];
/** Oldest first: two of Ann, of which the first is cancelled, and one of Ben. */
let orders: string[];

beforeAll(async () => {
  shop = await startTestShop();
  [ann, ben] = [await register("ann", 1), await register("ben", 0)];
  mugs = [
    await putOnSale(shop, 100, 5, "Red mug"),
    await putOnSale(shop, 100, 7, "Blue mug"),
    await putOnSale(shop, 100, 5, "Green cup"),
  ];
  orders = [];
  for (const quantity of [1, 2, 3]) {
    const order_products = mugs.slice(0, quantity).map((product_id) => ({ product_id, quantity }));
    const order = { user_id: quantity === 3 ? ben : ann, order_products };
    orders.push((await shop.call<Row>("orders.place", order)).id);
  }
  await shop.call("orders.cancel", { id: orders[0] });
  await eventually("the restock of the cancelled order", async () => {
    const { stock } = await shop.call<Row>("products.get", { id: mugs[0] });
    return stock === 95;
  });
});
afterAll(() => shop.stop());

async function register(name: string, type: number): Promise<string> {
  const user = { email: `${name}@example.com`, username: name, password, type };
  return (await shop.call<Row>("users.register", user)).id;
}

const idsOf = (rows: Row[]) => rows.map(({ id }) => id);
const find = (service: string, params: object = {}) =>
  shop.call<Row[]>(`${service}.db.find`, params);
const list = (service: string, params: object = {}) =>
  shop.call<Page>(`${service}.db.list`, params);

describe("orders.db.list", () => {
  test("filters, sorts and pages by the parameters", async () => {
    const page = await list("orders", {
      pageSize: 1,
      page: 2,
      sort: "-created_at",
      query: { status: "PLACED" },
    });
    expect(page).toMatchObject({ total: 2, page: 2, pageSize: 1, totalPages: 2 });
    expect(page.rows).toEqual([
      {
        id: orders[1],
        user_id: ann,
        price_total: 24,
        quantity: 4,
        status: "PLACED",
        created_at: expect.any(Date),
      },
    ]);
  });

  test("takes the query as JSON, and gives ten rows by default, newest first", async () => {
    const page = await list("orders", { query: '{"status":["PLACED","CANCELLED"]}' });
    expect(page).toMatchObject({ total: 3, page: 1, pageSize: 10, totalPages: 1 });
    expect(idsOf(page.rows)).toEqual(orders.toReversed());
  });

  test("populates users, lines and the products of lines", async () => {
    const { rows } = await list("orders", {
      populate: "user, lines.product",
      fields: "id,user.username,lines",
      sort: "id",
      pageSize: 2,
    });
    const [, second] = rows;
    expect(second).toEqual({
      id: orders[1],
      user: { username: "ann" },
      lines: [
        {
          product_id: mugs[0],
          quantity: 2,
          price: 5,
          name: "Red mug",
          product: { id: mugs[0], name: "Red mug", price: 5, stock: 95 },
        },
        expect.objectContaining({ product_id: mugs[1], product: expect.any(Object) }),
      ],
    });
    const [first] = await find("orders", { populate: ["lines"], query: { id: orders[0] } });
    expect(first?.lines).toMatchObject([{ product_id: mugs[0], quantity: 1 }]);
  });
});

describe("db.find, db.count, db.get and db.resolve", () => {
  test("find takes lists of values, null, text searches, limit and offset", async () => {
    const ofBoth = { query: { type: [0, 1], email: "ann@example.com" } };
    expect(idsOf(await find("users", ofBoth))).toEqual([ann]);
    expect(idsOf(await find("products", { query: { archived_at: null }, sort: "id" }))).toEqual(
      mugs,
    );
    const sorted = { sort: "price,-name", limit: 2, offset: 1 };
    expect(idsOf(await find("products", sorted))).toEqual([mugs[2], mugs[1]]);
    const mug = { search: "mug", searchFields: "name", sort: "name" };
    expect(idsOf(await find("products", mug))).toEqual([mugs[1], mugs[0]]);
    expect(idsOf(await find("products", { iSearch: "RED" }))).toEqual([mugs[0]]);
    expect(await find("products", { search: "RED" })).toEqual([]);
  });

  test("count counts what find finds", async () => {
    expect(await shop.call("orders.db.count")).toBe(3);
    expect(await shop.call("orders.db.count", { query: { user_id: ann } })).toBe(2);
    expect(await shop.call("users.db.count", { search: "ben" })).toBe(1);
  });

  test("get gives one row or several, and an unknown id is the service's own error", async () => {
    expect(await shop.call("users.db.get", { id: ann })).toMatchObject({ username: "ann" });
    const both = await shop.call<Row[]>("products.db.get", { id: mugs.slice(1), fields: ["id"] });
    expect(idsOf(both).sort()).toEqual(mugs.slice(1).sort());
    for (const [service, type] of [
      ["users", "USER_NOT_FOUND"],
      ["products", "PRODUCT_NOT_FOUND"],
      ["orders", "ORDER_NOT_FOUND"],
    ]) {
      const getting = shop.call(`${String(service)}.db.get`, { id: unknownId });
      await expect(getting).rejects.toMatchObject({ type });
    }
  });

  test("resolve maps ids to rows, and leaves out unknown ones", async () => {
    const found = await shop.call("users.db.resolve", {
      id: [ann, unknownId],
      mapping: true,
      fields: "username",
    });
    expect(found).toEqual({ [ann]: { username: "ann" } });
    expect(await shop.call("users.db.resolve", { id: unknownId })).toBeNull();
  });
});

describe("a password hash, an email key and other hidden columns", () => {
  const hidden = ["password_hash", "passwordHash", "email_key", "password_version"];

  test("are in no answer", async () => {
    const answers = [
      await find("users"),
      await list("users", { search: "ann" }),
      await shop.call("users.db.get", { id: ann }),
      await shop.call("users.db.resolve", { id: [ann, ben], mapping: true }),
      await list("orders", { populate: ["user"] }),
    ];
    const text = JSON.stringify(answers);
    expect(text).toContain("ann@example.com");
    expect(text).not.toMatch(/argon2|hash|email_?key|password/i);
  });

  test.each(hidden)("cannot be selected, filtered, sorted or searched by: %s", async (column) => {
    for (const params of [
      { fields: ["id", column] },
      { fields: `id,${column}` },
      { excludeFields: column },
      { query: { [column]: "$argon2id$" } },
      { query: JSON.stringify({ [`$users.${column}$`]: "x" }) },
      { query: { [`${column}::text`]: "x" } },
      { sort: `-${column}` },
      { search: "a", searchFields: [column] },
      { iSearch: "a", searchFields: column },
    ]) {
      await expect(find("users", params)).rejects.toMatchObject({ type: "BAD_USER_INPUT" });
    }
    const orders = await find("orders", { populate: "user", fields: `user.${column}` });
    expect(orders).toHaveLength(3);
    expect(JSON.stringify(orders)).not.toContain(column);
  });
});

describe("invalid parameters are BAD_USER_INPUT, without SQL:", () => {
  test.each<[string, object]>([
    ["an unknown sort column", { sort: "nothing" }],
    ["SQL as a sort column", { sort: "id;DROP TABLE orders" }],
    ["an empty sort column", { sort: "-" }],
    ["an unknown query column", { query: { nothing: 1 } }],
    ["a query that is no JSON", { query: "{status" }],
    ["a query that is no object", { query: "[1]" }],
    ["a query that is a number", { query: 5 }],
    ["an operator as a value", { query: { status: { $gt: "A" } } }],
    ["a nested list", { query: { status: [["PLACED"]] } }],
    ["an operator as a column", { query: { $or: [{ status: "PLACED" }] } }],
    ["a text for a number", { query: { quantity: "many" } }],
    ["a number for a text", { query: { status: 5 } }],
    ["no id for an id", { query: { user_id: "ann" } }],
    ["no date for a date", { query: { created_at: "yesterday" } }],
    ["too large a limit", { limit: 1_001 }],
    ["no limit", { limit: 0 }],
    ["a negative offset", { offset: -1 }],
    ["an unknown field", { fields: "id,nothing" }],
    ["a field that is no text", { fields: [5] }],
    ["a prototype as a field", { excludeFields: "user.__proto__.toString" }],
    ["an unknown populate", { populate: "nothing" }],
    ["a nested populate that is unknown", { populate: "user.nothing" }],
    ["too many rows to populate", { populate: "lines", limit: 31 }],
    ["a search of a number", { search: "a", searchFields: "quantity" }],
    ["a search of a date", { iSearch: "a", searchFields: ["created_at"] }],
    ["an unknown parameter", { where: {} }],
  ])("%s", async (_title, params) => {
    const finding = find("orders", params).then(
      (rows) => ({ rows }),
      (error: unknown) => error as { type: string; message: string; data: { fields: object[] } },
    );
    const refusal = await finding;
    expect(refusal).toMatchObject({ type: "BAD_USER_INPUT" });
    const { message, data } = refusal as { message: string; data: { fields: object[] } };
    expect(data.fields).not.toHaveLength(0);
    expect(message).toMatch(/^.{10,300}\.$/);
    expect(message).not.toMatch(/SELECT|WHERE|column|syntax/);
  });

  test("an id of get that is none", async () => {
    for (const id of ["ann", ["ann"], 5, {}]) {
      const getting = shop.call("users.db.get", { id });
      await expect(getting).rejects.toMatchObject({ type: "BAD_USER_INPUT" });
    }
  });

  test("nothing of that has changed a table", async () => {
    expect(await shop.call("orders.db.count")).toBe(3);
  });
});

test("values in a query are values, whatever is in them", async () => {
  for (const text of ["'; DROP TABLE users; --", "\\'", "\u0000", "$1", ":id", "?"]) {
    expect(await find("users", { query: { username: text } })).toEqual([]);
    expect(await find("users", { query: { username: [text, "ann"] } })).toHaveLength(1);
  }
  expect(await find("orders", { query: { quantity: 99_999_999_999_999 } })).toEqual([]);
  const prototype = find("users", { query: '{"__proto__": {"type": 1}}' });
  await expect(prototype).rejects.toMatchObject({ type: "BAD_USER_INPUT" });
});

test("the write actions of moleculer-db are off", () => {
  const names = shop.broker.registry.actions
    .list({ onlyLocal: true, withEndpoints: false })
    .map(({ name }) => name);
  expect(names).toContain("orders.db.list");
  const written = /^(users|products|orders)\.(db\.)?(create|insert|update|remove)$/;
  expect(names.filter((name) => written.test(name))).toEqual([
    "products.create",
    "products.update",
  ]);
});

describe("the actions are open to services and the operator, and closed to the gateway:", () => {
  test("another service calls them", async () => {
    shop.broker.createService({
      name: "reports",
      actions: { ask: (ctx: Context) => ctx.call("users.db.list", { pageSize: 1 }) },
    });
    await shop.broker.waitForServices("reports", 10_000, 20);
    expect(await shop.call("reports.ask")).toMatchObject({ total: 2, pageSize: 1 });
    await shop.broker.destroyService("reports");
  });

  test.each(["users", "products", "orders"])(
    "a call of the gateway is FORBIDDEN, whoever sends it: %s",
    async (service) => {
      for (const viewer of [{ kind: "anonymous" }, { kind: "user", id: ann, type: 1 }]) {
        for (const action of ["find", "list", "count", "get", "resolve"]) {
          const calling = shop.broker.call(
            `${service}.db.${action}`,
            { id: ann },
            { caller: gatewayName, meta: { viewer } },
          );
          await expect(calling).rejects.toMatchObject({ type: "FORBIDDEN" });
        }
      }
    },
  );

  test("no field of the schema leads to them", async () => {
    const { data } = await shop.graphql<{ __schema: object }>(
      "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }",
    );
    expect(JSON.stringify(data)).not.toMatch(/db\b|find|resolve/i);
  });
});

describe("a transaction runs again", () => {
  const contract = defineContract({
    name: "probe",
    graphql: { type: "" },
    actions: {},
    events: {},
  });
  let database: ReturnType<typeof openProbe>;

  function openProbe() {
    return openDatabase(
      contract,
      { databasePoolMax: 4, eventLogKeepMs: undefined },
      {
        url: shop.databases.urls.orders,
        migrations: new URL("../../services/orders/migrations/", import.meta.url),
      },
    );
  }

  beforeAll(async () => {
    database = openProbe();
    shop.broker.createService(defineService(contract, { database, actions: {} }));
    await shop.broker.waitForServices("probe", 10_000, 20);
  });
  afterAll(() => shop.broker.destroyService("probe"));

  const inDatabase = (sql: string, values: unknown[]) =>
    shop.databases.query("orders", sql, values);

  test("if its connection ends before its COMMIT is sent, more than once", async () => {
    let attempts = 0;
    const done = await database.transaction(async ({ query }) => {
      attempts += 1;
      const [own] = await query<{ pid: number }>("SELECT pg_backend_pid() AS pid", []);
      if (attempts > 3) return "done";
      await inDatabase("SELECT pg_terminate_backend($1)", [own?.pid]);
      // The client has received the reason before the session disappears.
      await eventually("the end of the session", async () => {
        const sql = "SELECT FROM pg_stat_activity WHERE pid = $1";
        return (await inDatabase(sql, [own?.pid])).length === 0;
      });
      return "lost";
    });
    expect([done, attempts]).toEqual(["done", 4]);
  });

  test("if an operator ends it during a statement", async () => {
    let attempts = 0;
    const done = await database.transaction(async ({ query }) => {
      attempts += 1;
      if (attempts > 1) return "done";
      await query("SELECT pg_terminate_backend(pg_backend_pid())", []);
      return "lost";
    });
    expect([done, attempts]).toEqual(["done", 2]);
  });

  test("if PostgreSQL chooses it to end a deadlock", async () => {
    await inDatabase("CREATE TABLE probe_rows (id integer PRIMARY KEY)", []);
    await inDatabase("INSERT INTO probe_rows VALUES (1), (2)", []);
    const holders = new Set<string>();
    let attempts = 0;
    const lockBoth = (name: string, ids: [number, number]) =>
      database.transaction(async ({ query }) => {
        attempts += 1;
        const lock = (id: number) => query("SELECT FROM probe_rows WHERE id = $1 FOR UPDATE", [id]);
        await lock(ids[0]);
        holders.add(name);
        await eventually("the first lock of both", () => holders.size === 2);
        await lock(ids[1]);
        return name;
      });
    const results = await Promise.all([lockBoth("a", [1, 2]), lockBoth("b", [2, 1])]);
    expect(results).toEqual(["a", "b"]);
    // The transaction that runs again can meet the other one once more.
    expect(attempts).toBeGreaterThanOrEqual(3);
    await inDatabase("DROP TABLE probe_rows", []);
  });

  test("no more than five times", async () => {
    let attempts = 0;
    const lost = database.transaction(async ({ query }) => {
      attempts += 1;
      await query("SELECT pg_terminate_backend(pg_backend_pid())", []);
    });
    await expect(lost).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
    expect(attempts).toBe(5);
  });
});
