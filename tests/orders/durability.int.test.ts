import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import pg from "pg";
import { markSession, type DatabaseSession } from "../../database/statements/server-sessions.ts";
import { orderServerHeader } from "../../services/products/products.contract.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { settledBooksOf } from "../support/consistency/books.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** How commits of reservations and orders wait for the disk. docs/decisions/0046-one-wait-for-the-disk.md */

let shop: TestShop;
let token: string;

beforeAll(async () => {
  shop = await startTestShop({ RESERVATION_TTL_SECONDS: "3600" });
  ({ token } = await shop.signIn("buyer"));
  await recordCommits("products", "reservations", "order_id");
  await recordCommits("orders", "orders", "id");
});
afterAll(() => shop.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

/** Records the value of `synchronous_commit` with which the transactions of new rows commit. */
async function recordCommits(
  service: "products" | "orders",
  table: string,
  idColumn: string,
): Promise<void> {
  await shop.databases.query(
    service,
    `CREATE TABLE commits (id uuid, setting text);
     CREATE FUNCTION record_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO commits VALUES (NEW.${idColumn}, current_setting('synchronous_commit'));
       RETURN NULL;
     END $$;
     CREATE CONSTRAINT TRIGGER record_commit AFTER INSERT ON ${table}
       DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_commit()`,
  );
}

async function commitOf(service: "products" | "orders", id: string): Promise<string[]> {
  const sql = "SELECT setting FROM commits WHERE id = $1";
  const rows = await shop.databases.query<{ setting: string }>(service, sql, [id]);
  return rows.map(({ setting }) => setting);
}

async function reserve(productId: string, orderServer?: string): Promise<string> {
  const order_id = randomUUID();
  const lines = [{ product_id: productId, quantity: 1 }];
  const options =
    orderServer === undefined ? {} : { headers: { [orderServerHeader]: orderServer } };
  await shop.broker.call("products.reserve", { order_id, lines }, options);
  return order_id;
}

/** Runs work with a new session of the products database. */
async function inSession<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: shop.databases.urls.products });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe("the commit of a reservation", () => {
  test("does not wait for the disk on the server of the orders; the commit of the order waits", async () => {
    const mug = await putOnSale(shop, 5);
    const { order } = await placeOrder(shop, token, [mug, 2]);
    expect(await commitOf("products", order?.id ?? "")).toEqual(["off"]);
    expect(await commitOf("orders", order?.id ?? "")).toEqual(["on"]);
  });

  test("waits with the event that a product is sold out", async () => {
    const mug = await putOnSale(shop, 2);
    const { order } = await placeOrder(shop, token, [mug, 2]);
    expect(await commitOf("products", order?.id ?? "")).toEqual(["on"]);
  });

  test.each([
    ["the caller writes the order on another server", "another server"],
    ["the caller does not tell its server, like version 1.0", undefined],
  ])("waits if %s", async (_title, server) => {
    const mug = await putOnSale(shop, 5);
    expect(await commitOf("products", await reserve(mug, server))).toEqual(["on"]);
  });

  test("waits for the whole batch if one of its callers has another server", async () => {
    const mug = await putOnSale(shop, 9);
    const server = await inSession(markSession);
    const same = await reserve(mug, server);
    const mixed = await Promise.all([reserve(mug, server), reserve(mug, "another server")]);
    expect(await commitOf("products", same)).toEqual(["off"]);
    for (const id of mixed) expect(await commitOf("products", id)).toEqual(["on"]);
  });
});

test("an order repeats its reservation if its session was opened after the first one", async () => {
  const mug = await putOnSale(shop, 5);
  const calls: unknown[] = [];
  standInFor(shop.broker, {
    "products.reserve": async (call, params) => {
      const answer = await call();
      calls.push(params);
      if (calls.length === 1) await endSessionsOfOrders();
      return answer;
    },
  });
  const { order } = await placeOrder(shop, token, [mug, 2]);
  expect(order).toMatchObject({ quantity: 2 });
  expect(calls).toHaveLength(2);
  expect(calls[1]).toEqual(calls[0]);
  expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
});

/** Ends the sessions, and waits until the pool has a new one. */
async function endSessionsOfOrders(): Promise<void> {
  await shop.databases.query(
    "orders",
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  await eventually("a new session of orders", () => shop.call("orders.ready"));
}

describe("a session gets no mark", () => {
  test("from a user that may not read the system identifier", async () => {
    await inSession(async (client) => {
      await client.query("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
      await client.query("SET ROLE pg_checkpoint");
      expect(await markSession(client)).toBeUndefined();
      const { rows } = await client.query("SELECT current_setting('shop.server', true) AS server");
      expect(rows).toEqual([{ server: null }]);
    });
  });

  test("behind a pooler, which makes up process ids", async () => {
    await inSession(async (client) => {
      const session: DatabaseSession = { query: client.query.bind(client), processID: 1 };
      expect(await markSession(session)).toBeUndefined();
    });
  });
});
