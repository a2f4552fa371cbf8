import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import type { Order } from "../../services/orders/orders.contract.ts";
import { EmbeddedPostgres } from "../../embedded/postgres.ts";
import { cleanUp, temporaryFolder } from "../../tools/support/processes.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { settledBooksOf } from "../support/consistency/books.ts";
import type { TestDatabases } from "../support/databases.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";
import { putOnSale } from "../support/ordering.ts";
import { clientOf, openShop, operatorOf, type ReachableShop } from "../support/shop.ts";

/** Crashes of PostgreSQL that lose a reservation. They need a server of their own. */

let postgres: EmbeddedPostgres;
let broker: ServiceBroker;
let shop: Omit<ReachableShop, "stop">;
let buyerId: string;

beforeAll(async () => {
  postgres = await EmbeddedPostgres.start(temporaryFolder());
  // Otherwise PostgreSQL writes the commits that do not wait within 0.6 s.
  await query("postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'");
  await query("postgres", "SELECT pg_reload_conf()");
  const urls = await postgres.createDatabases();
  const opened = await openShop({ RESERVATION_TTL_SECONDS: "3600" }, urls);
  broker = opened.broker;
  const databases: TestDatabases = { urls, query, drop: async () => undefined };
  shop = clientOf(opened.url, databases, operatorOf(broker));
  ({ id: buyerId } = await shop.signIn("buyer"));
});
afterAll(async () => {
  await broker.stop();
  await postgres.stop();
  await cleanUp();
});
afterEach(() => {
  jest.restoreAllMocks();
});

async function query<Row extends object>(
  database: string,
  sql: string,
  bind: unknown[] = [],
): Promise<Row[]> {
  return postgres.query(database, async (client) => (await client.query<Row>(sql, bind)).rows);
}

/** Opens a session. Its `crash` kills its process, whereupon PostgreSQL ends all sessions and recovers. */
async function openVictim(): Promise<{ crash: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: postgres.url("postgres") });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const pid = rows[0]?.pid ?? 0;
  return {
    async crash() {
      process.kill(pid, "SIGKILL");
      const sql = "SELECT FROM pg_stat_activity WHERE pid = $1";
      await eventually("PostgreSQL after its crash", async () => {
        return (await query("postgres", sql, [pid])).length === 0;
      });
      await eventually("a new session of orders", () => shop.call("orders.ready"));
    },
  };
}

const startOf = () => query("postgres", "SELECT pg_postmaster_start_time() AS start");

/** Places an order of two pieces, with more time than a client has: a busy machine recovers slowly. */
function place(product_id: string): Promise<Order> {
  const order = { user_id: buyerId, order_products: [{ product_id, quantity: 2 }] };
  return shop.call<Order>("orders.place", order);
}

/** Waits until nothing is written: a commit of other work would make the reservation durable. */
async function untilSilent(): Promise<void> {
  const positions: string[] = [];
  const sql = "SELECT pg_current_wal_insert_lsn() AS position";
  await eventually("no more writes", async () => {
    const [row] = await query<{ position: string }>("postgres", sql);
    positions.unshift(row?.position ?? "");
    return positions.length > 5 && new Set(positions.slice(0, 5)).size === 1;
  });
}

/** Crashes PostgreSQL between the first reservation and its order. */
async function crashAfterReservation(afterCrash: () => void): Promise<{ reserved: number[] }> {
  const { crash } = await openVictim();
  await untilSilent();
  const reserved: number[] = [];
  standInFor(broker, {
    "products.reserve": async (call, params) => {
      const answer = await call();
      if (reserved.length === 0) {
        await crash();
        afterCrash();
      }
      const { order_id } = params as { order_id: string };
      const sql = "SELECT FROM reservations WHERE order_id = $1";
      reserved.push((await query("products", sql, [order_id])).length);
      return answer;
    },
  });
  return { reserved };
}

/**
 * Places an order whose reservation a crash loses. Now and then, a commit of other work makes the
 * reservation durable before the crash. Then another order is tried.
 */
async function placeWithLoss(afterCrash: () => void) {
  for (let tries = 1; ; tries += 1) {
    const mug = await putOnSale(shop as ReachableShop, 5);
    const { reserved } = await crashAfterReservation(afterCrash);
    const order = await place(mug);
    if (reserved[0] === 0 || tries === 10) return { mug, order, reserved };
    jest.restoreAllMocks();
  }
}

test("an order whose reservation is lost in a crash reserves again before it is written", async () => {
  const started = await startOf();
  const { mug, order, reserved } = await placeWithLoss(() => undefined);
  expect(order).toMatchObject({ quantity: 2 });
  // The crash has lost the first one, although the server was not started again.
  expect(reserved).toEqual([0, 1]);
  expect(await startOf()).toEqual(started);
  expect(await settledBooksOf(shop.databases, mug)).toEqual({ stock: 3, reserved: 0, onHand: 3 });
});

test("without the proof of its session, the order exists without its reservation", async () => {
  const { order, reserved } = await placeWithLoss(mutateProof);
  expect(reserved).toEqual([0]);
  const sql = "SELECT event -> 'data' ->> 'order_id' AS id FROM dead_letters";
  await eventually("the dead letter of the order", async () => {
    return (await query<{ id: string }>("products", sql)).some(({ id }) => id === order.id);
  });
});

/** Plants a bug: the statement of the order does not check its session. */
function mutateProof(): void {
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const send = prototype.query;
  const proof = "$14::text IS NULL OR";
  jest.spyOn(prototype, "query").mockImplementation(function (this: unknown, ...args: unknown[]) {
    const [statement, ...others] = args as [string | { text: string }, ...unknown[]];
    if (typeof statement === "string" || !statement.text.includes(proof)) {
      return send.apply(this, args);
    }
    const text = statement.text.replace(proof, `true OR ${proof}`);
    return send.call(this, { ...statement, text }, ...others);
  });
}
