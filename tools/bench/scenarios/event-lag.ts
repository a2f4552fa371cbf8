import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import pg from "pg";
import { eventually } from "../../support/eventually.ts";
import { graphql } from "../../support/graphql-client.ts";
import type { BenchCluster } from "../cluster/cluster-nodes.ts";
import { quantile } from "../statistics.ts";

export interface Lag {
  p50Ms: number;
  p99Ms: number;
}

/** How often, and for how long. */
export interface Pace {
  perSecond: number;
  seconds: number;
}

/** Does something at a steady rate, whether or not the one before has ended. Gives all results. */
async function steadily<Result>(
  { perSecond, seconds }: Pace,
  work: (n: number) => Promise<Result>,
): Promise<Result[]> {
  const count = seconds * perSecond;
  const begun = performance.now();
  const all: Promise<Result>[] = [];
  for (let n = 0; n < count; n += 1) {
    const dueMs = begun + (n * 1000) / perSecond;
    if (dueMs > performance.now()) await sleep(dueMs - performance.now());
    all.push(work(n));
  }
  return Promise.all(all);
}

/**
 * From the moment an order's event is written until its sale is written by products, under a
 * steady load of orders through the gateway.
 */
export async function eventLag(
  cluster: BenchCluster,
  token: string,
  productIds: string[],
  pace: Pace,
): Promise<Lag> {
  const [before] = await cluster.query<{ position: string }>(
    "orders",
    "SELECT position FROM event_log_head",
  );
  const answers = await steadily(pace, (n) =>
    graphql(
      cluster.url,
      "mutation ($id: ID!) { placeOrder(input: { order_products: [{ product_id: $id, quantity: 1 }] }) { id } }",
      { variables: { id: productIds[n % productIds.length] }, token },
    ),
  );
  const refused = answers.find(({ errors }) => errors !== undefined);
  if (refused) throw new Error(`an order was refused: ${JSON.stringify(refused.errors)}`);
  const lags = await eventually("all sales", async () => {
    const batches = await cluster.query<{ first: number; last: number; at: Date }>(
      "products",
      `SELECT first_position::integer AS first, last_position::integer AS last, applied_at AS at
       FROM event_batches WHERE producer = 'orders' AND last_position > $1`,
      [before?.position],
    );
    const events = await cluster.query<{ position: number; at: Date }>(
      "orders",
      "SELECT position::integer, occurred_at AS at FROM event_log WHERE position > $1",
      [before?.position],
    );
    const found = events.flatMap(({ position, at }) => {
      const applied = batches.find(({ first, last }) => first <= position && position <= last);
      return applied ? [applied.at.getTime() - at.getTime()] : [];
    });
    return found.length === answers.length && found;
  });
  return { p50Ms: quantile(lags, 0.5), p99Ms: quantile(lags, 0.99) };
}

/** The parts below at the same rate: a commit, a message over NATS, another commit. */
export async function bareLag(cluster: BenchCluster, pace: Pace): Promise<Lag> {
  const nats = await connect({ servers: cluster.natsUrl });
  const pool = new pg.Pool({ connectionString: cluster.databaseUrls.products, max: 10 });
  try {
    await pool.query("CREATE TABLE IF NOT EXISTS floor_events (id uuid, side text)");
    const insert = (id: string, side: string) =>
      pool.query("INSERT INTO floor_events VALUES ($1, $2)", [id, side]);
    const arrivals = new Map<string, () => void>();
    nats.subscribe("floor", { callback: (_error, message) => arrivals.get(message.string())?.() });
    const lags = await steadily(pace, async () => {
      const id = crypto.randomUUID();
      const begun = performance.now();
      await insert(id, "producer");
      const arrived = new Promise<void>((resolve) => arrivals.set(id, resolve));
      nats.publish("floor", id);
      await arrived;
      arrivals.delete(id);
      await insert(id, "consumer");
      return performance.now() - begun;
    });
    return { p50Ms: quantile(lags, 0.5), p99Ms: quantile(lags, 0.99) };
  } finally {
    await nats.close();
    await pool.end();
  }
}
