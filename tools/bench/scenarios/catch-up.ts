import pg from "pg";
import { eventually } from "../../support/eventually.ts";
import type { Program } from "../../support/processes.ts";
import type { BenchCluster } from "../cluster/cluster-nodes.ts";
import { writeBacklog } from "./event-backlog.ts";

/** Events that products misses while it is stopped. */
export const backlogEvents = 10_000;
const batch = 500;

/** Measures how many events per second a restarted consumer applies, from its first batch on. */
export async function catchUpRate(
  cluster: BenchCluster,
  products: Program,
): Promise<{ eventsPerSecond: number; products: Program }> {
  products.signal("SIGTERM");
  await products.ended();
  const before = await headOf(cluster);
  await writeBacklog(cluster, backlogEvents);
  await eventually(
    "positions of the backlog",
    async () => (await headOf(cluster)) === before + backlogEvents,
    { withinMs: 60_000 },
  );
  const restarted = cluster.start("products");
  const [read] = await eventually(
    "products having caught up",
    async () => {
      const batches = await cluster.query<{ events: number; batches: number; seconds: number }>(
        "products",
        `SELECT sum(last_position - first_position + 1)::integer AS events,
                count(*)::integer AS batches,
                extract(epoch FROM max(applied_at) - min(applied_at))::float8 AS seconds
         FROM event_batches WHERE producer = 'orders' AND first_position > $1
         HAVING max(last_position) = $2`,
        [before, before + backlogEvents],
      );
      return batches.length > 0 && batches;
    },
    { withinMs: 60_000, everyMs: 20 },
  );
  await assertSold(cluster);
  if (read === undefined) throw new Error("products has applied no batch");
  // The clock starts when the first batch is applied, so the first batch does not count.
  const counted = read.events * (1 - 1 / read.batches);
  return { eventsPerSecond: counted / read.seconds, products: restarted };
}

/** The baseline: one connection writes the same effects, one transaction per batch of sales. */
export async function baselineCatchUpRate(cluster: BenchCluster): Promise<number> {
  const client = new pg.Client({ connectionString: cluster.databaseUrls.products });
  await client.connect();
  try {
    await client.query(
      `CREATE TABLE IF NOT EXISTS baseline_held (id uuid PRIMARY KEY, state text NOT NULL);
       CREATE TABLE IF NOT EXISTS baseline_sold (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, held uuid NOT NULL);
       CREATE TABLE IF NOT EXISTS baseline_log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data jsonb NOT NULL);
       TRUNCATE baseline_held, baseline_sold, baseline_log`,
    );
    const ids = Array.from({ length: backlogEvents }, () => crypto.randomUUID());
    await client.query("INSERT INTO baseline_held SELECT unnest($1::uuid[]), 'HELD'", [ids]);
    const startMs = performance.now();
    for (let from = 0; from < ids.length; from += batch) {
      await client.query("BEGIN");
      await client.query(
        `WITH sold AS (
           UPDATE baseline_held SET state = 'SOLD' WHERE id = ANY ($1::uuid[]) RETURNING id
         ), ledger AS (INSERT INTO baseline_sold (held) SELECT id FROM sold)
         INSERT INTO baseline_log (data) SELECT jsonb_build_object('order_id', id) FROM sold`,
        [ids.slice(from, from + batch)],
      );
      await client.query("COMMIT");
    }
    return backlogEvents / ((performance.now() - startMs) / 1000);
  } finally {
    await client.end();
  }
}

async function headOf(cluster: BenchCluster): Promise<number> {
  const [head] = await cluster.query<{ position: number }>(
    "orders",
    "SELECT position::integer FROM event_log_head",
  );
  return head?.position ?? 0;
}

/** Checks that every order was sold once and in the order of the log. */
async function assertSold(cluster: BenchCluster): Promise<void> {
  const placed = await cluster.query<{ id: string }>(
    "orders",
    `SELECT data ->> 'order_id' AS id FROM event_log WHERE type = 'order.placed' ORDER BY position`,
  );
  const sold = await cluster.query<{ id: string }>(
    "products",
    // An order with several lines has several SOLD rows.
    `SELECT order_id AS id FROM stock_changes WHERE reason = 'SOLD'
     GROUP BY order_id ORDER BY min(stock_changes.id)`,
  );
  const isSame =
    placed.length === sold.length && placed.every(({ id }, index) => id === sold[index]?.id);
  if (!isSame)
    throw new Error(`${placed.length} orders placed, ${sold.length} sold, or in another order`);
}
