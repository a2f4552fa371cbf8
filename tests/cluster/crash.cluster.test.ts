import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import pg from "pg";
import { postgresUrl } from "../../embedded/postgres-databases.ts";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { mutate, registerFirstAdmin, tryMutation } from "../support/http/first-admin.ts";
import { signalAll } from "../../tools/support/kill-processes.ts";
import {
  cleanUp,
  freePort,
  postgresPids,
  startCommand,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";

afterAll(cleanUp);

const buyers = 8;
const ordersBetweenKills = 40;

interface Placed {
  id: string;
  price_total: number;
}

test("after three crashes under load each acknowledged order exists once and the books close", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const settings = { DATA_DIR: dataDir, PORT: String(await freePort()) };
  const url = `http://127.0.0.1:${settings.PORT}`;
  const query = async <Row extends object>(database: string, sql: string): Promise<Row[]> => {
    const client = new pg.Client({
      connectionString: postgresUrl(join(dataDir, "postgres"), database),
    });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const start = async (): Promise<Program> => {
    const shop = startCommand("start", settings);
    await shop.said("The shop is open");
    return shop;
  };
  let shop = await start();
  const { token } = await registerFirstAdmin(url);
  const mug = mutations.createProduct("Mug", { price: 3, stock: 100_000 });
  const product = await mutate(url, mug, { token });
  const acknowledged = new Map<string, Placed>();
  let sent = 0;
  /** Places orders until `isOver`. Retries an order without a response, with the same key. */
  const buy = async (isOver: () => boolean): Promise<void> => {
    const document = mutations.placeOrder(product.id, 2);
    while (!isOver()) {
      const idempotencyKey = `order-${(sent += 1)}`;
      const { id, price_total } = await eventually(
        "the shop acknowledges an order",
        () => tryMutation<Placed>(url, document, { token, idempotencyKey }),
        { withinMs: 2 * generousMs, everyMs: 200 },
      );
      acknowledged.set(idempotencyKey, { id, price_total });
    }
  };

  let kills = 0;
  const buying = Array.from({ length: buyers }, () => buy(() => kills === 3));
  for (; kills < 3; kills += 1) {
    const target = acknowledged.size + ordersBetweenKills;
    await eventually("orders are placed between crashes", () => acknowledged.size >= target);
    signalAll([shop.pid, ...postgresPids(dataDir)], "SIGKILL");
    await shop.ended();
    shop = await start();
  }
  await Promise.all(buying);

  const orders = await query<Placed>("orders", "SELECT id, price_total FROM orders ORDER BY id");
  const expected = [...acknowledged.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(expected.length).toBe(sent);
  expect(orders).toEqual(expected);
  await eventually(
    "the books close",
    async () => {
      const [books] = await query<{ stock: number; held: number; sold: number }>(
        "products",
        `SELECT stock, (SELECT count(*)::int FROM reservations WHERE state = 'HELD') AS held,
           (SELECT -sum(change)::int FROM stock_changes WHERE reason = 'SOLD') AS sold FROM products`,
      );
      expect(books).toEqual({ stock: 100_000 - 2 * sent, held: 0, sold: 2 * sent });
      return true;
    },
    { everyMs: 200 },
  );
}, 1_200_000);
