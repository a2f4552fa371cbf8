import pg from "pg";
import { graphql } from "../tests/support/graphql-client.ts";
import type { BenchCluster } from "./bench-cluster.ts";

/** Requests under way at the same time. */
export const inFlight = 16;

/** Does something over and over, several at a time. Gives how often a second. */
async function closedLoop(seconds: number, work: (n: number) => Promise<void>): Promise<number> {
  const begun = performance.now();
  const end = begun + seconds * 1000;
  let n = 0;
  const worker = async () => {
    while (performance.now() < end) await work((n += 1));
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return n / ((performance.now() - begun) / 1000);
}

/** Works with as many connections of one's own as there are requests under way. */
async function onPool(url: string, work: (pool: pg.Pool) => Promise<number>): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: inFlight });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** Orders a second through one gateway, each of one piece, spread over the products. */
export function orderRate(
  { url }: BenchCluster,
  token: string,
  productIds: string[],
  seconds: number,
): Promise<number> {
  const document =
    "mutation ($id: ID!) { placeOrder(input: { order_products: [{ product_id: $id, quantity: 1 }] }) { quantity } }";
  return closedLoop(seconds, async (n) => {
    const variables = { id: productIds[n % productIds.length] };
    const { data } = await graphql(url, document, { variables, token });
    if (data?.placeOrder?.quantity !== 1) throw new Error("an order was refused");
  });
}

/** Products a second through one gateway, one by one. */
export function readRate(
  { url }: BenchCluster,
  productIds: string[],
  seconds: number,
): Promise<number> {
  return closedLoop(seconds, async (n) => {
    const id = productIds[n % productIds.length];
    const document = "query ($id: ID!) { product(id: $id) { id name price stock } }";
    const { data } = await graphql(url, document, { variables: { id } });
    if (data?.product?.id !== id) throw new Error("a product was not found");
  });
}

/** The least an order can be: stock, order, line and event in one transaction of one database. */
export async function bareOrderRate(
  { databaseUrls }: BenchCluster,
  productIds: string[],
  seconds: number,
): Promise<number> {
  return onPool(databaseUrls.products, async (pool) => {
    await pool.query(
      `CREATE TABLE IF NOT EXISTS floor_stock (id uuid PRIMARY KEY, stock integer NOT NULL);
       CREATE TABLE IF NOT EXISTS floor_orders (id uuid PRIMARY KEY, total integer NOT NULL);
       CREATE TABLE IF NOT EXISTS floor_lines (order_id uuid, product_id uuid, quantity integer);
       CREATE TABLE IF NOT EXISTS floor_log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data jsonb NOT NULL)`,
    );
    await pool.query(
      "INSERT INTO floor_stock SELECT unnest($1::uuid[]), 1000000000 ON CONFLICT DO NOTHING",
      [productIds],
    );
    return closedLoop(seconds, async (n) => {
      const client = await pool.connect();
      try {
        const [order, product] = [crypto.randomUUID(), productIds[n % productIds.length]];
        await client.query("BEGIN");
        await client.query(
          "UPDATE floor_stock SET stock = stock - 1 WHERE id = $1 AND stock >= 1",
          [product],
        );
        await client.query("INSERT INTO floor_orders VALUES ($1, 5)", [order]);
        await client.query("INSERT INTO floor_lines VALUES ($1, $2, 1)", [order, product]);
        await client.query("INSERT INTO floor_log (data) VALUES ($1)", [
          JSON.stringify({ order, product }),
        ]);
        await client.query("COMMIT");
      } finally {
        client.release();
      }
    });
  });
}

/** A product by its key, straight from the database. */
export async function bareReadRate(
  { databaseUrls }: BenchCluster,
  productIds: string[],
  seconds: number,
): Promise<number> {
  return onPool(databaseUrls.products, (pool) =>
    closedLoop(seconds, async (n) => {
      await pool.query({
        name: "product",
        text: "SELECT id, name, price, stock FROM products WHERE id = $1",
        values: [productIds[n % productIds.length]],
      });
    }),
  );
}
