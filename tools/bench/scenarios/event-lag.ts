import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import pg from "pg";
import { eventually } from "../../support/eventually.ts";
import { graphql } from "../../support/graphql-client.ts";
import type { BenchCluster } from "../cluster/cluster-nodes.ts";
import { quantile } from "../measuring/statistics.ts";

export interface Lag {
  p50Ms: number;
  p99Ms: number;
}

/** A constant rate for a number of seconds. */
export interface ConstantRate {
  perSecond: number;
  seconds: number;
}

/** Starts work at a constant rate, even while earlier work is running (open loop). Returns all results. */
async function atConstantRate<Result>(
  { perSecond, seconds }: ConstantRate,
  work: (n: number) => Promise<Result>,
): Promise<Result[]> {
  const count = seconds * perSecond;
  const startMs = performance.now();
  const all: Promise<Result>[] = [];
  for (let n = 0; n < count; n += 1) {
    const dueMs = startMs + (n * 1000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    all.push(work(n));
  }
  return Promise.all(all);
}

/**
 * Measures the time from an order's event being written until products has written the sale, at a
 * constant rate of orders through the gateway.
 */
export async function eventLag(
  cluster: BenchCluster,
  token: string,
  productIds: string[],
  pace: ConstantRate,
): Promise<Lag> {
  const [before] = await cluster.query<{ position: string }>(
    "orders",
    "SELECT position FROM event_log_head",
  );
  const answers = await atConstantRate(pace, (n) =>
    graphql(
      cluster.url,
      "mutation ($id: ID!) { placeOrder(input: { order_products: [{ product_id: $id, quantity: 1 }] }) { id } }",
      { variables: { id: productIds[n % productIds.length] }, token },
    ),
  );
  const rejected = answers.find(({ errors }) => errors !== undefined);
  if (rejected) throw new Error(`the shop rejected an order: ${JSON.stringify(rejected.errors)}`);
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

/** The baseline at the same rate: a commit, a NATS message, another commit. */
export async function baselineLag(cluster: BenchCluster, pace: ConstantRate): Promise<Lag> {
  const nats = await connect({ servers: cluster.natsUrl });
  const pool = new pg.Pool({ connectionString: cluster.databaseUrls.products, max: 10 });
  try {
    await pool.query("CREATE TABLE IF NOT EXISTS baseline_events (id uuid, side text)");
    const insert = (id: string, side: string) =>
      pool.query("INSERT INTO baseline_events VALUES ($1, $2)", [id, side]);
    const arrivals = new Map<string, () => void>();
    nats.subscribe("baseline", {
      callback: (_error, message) => arrivals.get(message.string())?.(),
    });
    const lags = await atConstantRate(pace, async () => {
      const id = crypto.randomUUID();
      const startMs = performance.now();
      await insert(id, "producer");
      const arrived = new Promise<void>((resolve) => arrivals.set(id, resolve));
      nats.publish("baseline", id);
      await arrived;
      arrivals.delete(id);
      await insert(id, "consumer");
      return performance.now() - startMs;
    });
    return { p50Ms: quantile(lags, 0.5), p99Ms: quantile(lags, 0.99) };
  } finally {
    await nats.close();
    await pool.end();
  }
}
