import { fork } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { domainServices } from "../../../services/registry.ts";
import { freePort } from "../../support/processes.ts";
import type { ShopProcess } from "../shop/shop-process.ts";

/** The baseline server: a process beside the shop, on the same PostgreSQL. */
export interface BaselineProcess {
  port: number;
  stop(): Promise<void>;
}

/** Creates the tables of the minimal order, and starts the baseline server. */
export async function startBaselines(
  shop: ShopProcess,
  productIds: string[],
): Promise<BaselineProcess> {
  for (const name of domainServices) {
    // Until the first ANALYZE, which autovacuum runs at a random moment, PostgreSQL plans for empty tables.
    await onDatabase(shop.databaseUrl(name), (client) => client.query("VACUUM ANALYZE"));
  }
  await onDatabase(shop.databaseUrl("postgres"), (client) =>
    client.query("CREATE DATABASE baseline"),
  );
  await onDatabase(shop.databaseUrl("baseline"), async (client) => {
    await client.query(
      `CREATE TABLE stock (id uuid PRIMARY KEY, stock integer NOT NULL);
       CREATE TABLE orders (id uuid PRIMARY KEY, total integer NOT NULL);
       CREATE TABLE lines (order_id uuid, product_id uuid, quantity integer, price integer,
                           PRIMARY KEY (order_id, product_id));
       CREATE TABLE log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data jsonb NOT NULL)`,
    );
    const sql = "INSERT INTO stock SELECT unnest($1::uuid[]), 1000000000";
    await client.query(sql, [productIds]);
  });
  const port = await freePort();
  const child = fork(join(import.meta.dirname, "baseline-server.ts"), {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      // Marks the process as part of the run folder, which ends it with the run.
      TMPDIR: tmpdir(),
      BASELINE_PRODUCTS_URL: shop.databaseUrl("products"),
      BASELINE_ORDERS_URL: shop.databaseUrl("orders"),
      BASELINE_URL: shop.databaseUrl("baseline"),
    },
  });
  await once(child, "message");
  return {
    port,
    async stop() {
      child.kill();
      await once(child, "exit");
    },
  };
}

async function onDatabase(
  url: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
