import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import pg from "pg";
import { postgresUrl } from "../../embedded/postgres.ts";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import {
  cleanUp,
  freePort,
  killHard,
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

test("after three kills of everything in mid-load every acknowledged order is there, once, and the books close", async () => {
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
  const ask = async (document: string, token?: string, key?: string) => {
    const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
    const { data } = await graphql<Record<string, { id: string; token: string }>>(url, document, {
      token,
      headers,
    });
    return Object.values(data ?? {})[0];
  };

  let shop = await start();
  const account = 'email: "a@shop.example", password: "correct horse"';
  await ask(`mutation { registerUser(input: { ${account}, username: "a", type: 1 }) { id } }`);
  const token = (await ask(`mutation { login(input: { ${account} }) { token } }`))?.token;
  const product = await ask(
    'mutation { createProduct(input: { name: "Mug", description: "", price: 3, stock: 100000 }) { id } }',
    token,
  );
  const acknowledged = new Map<string, Placed>();
  let sent = 0;
  /** Buys until it is told to stop; one that got no answer is sent again with its key. */
  const buy = async (isOver: () => boolean): Promise<void> => {
    const line = `{ product_id: "${product?.id ?? ""}", quantity: 2 }`;
    const document = `mutation { placeOrder(input: { order_products: [${line}] }) { id price_total } }`;
    while (!isOver()) {
      const key = `order-${(sent += 1)}`;
      const placed = await eventually(
        "an order's answer",
        async () => ask(document, token, key) as unknown as Promise<Placed | undefined>,
        { withinMs: 2 * generousMs, everyMs: 200 },
      );
      acknowledged.set(key, placed);
    }
  };

  let kills = 0;
  const buying = Array.from({ length: buyers }, () => buy(() => kills === 3));
  for (; kills < 3; kills += 1) {
    const goal = acknowledged.size + ordersBetweenKills;
    await eventually("orders between kills", () => acknowledged.size >= goal);
    killHard([shop.pid, ...postgresPids(dataDir)]);
    await shop.ended();
    shop = await start();
  }
  await Promise.all(buying);

  const orders = await query<Placed>("orders", "SELECT id, price_total FROM orders ORDER BY id");
  const told = [...acknowledged.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(told.length).toBe(sent);
  expect(orders).toEqual(told);
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
