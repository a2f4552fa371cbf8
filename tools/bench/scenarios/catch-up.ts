import pg from "pg";
import { eventually } from "../../support/eventually.ts";
import type { Program } from "../../support/processes.ts";
import type { BenchCluster } from "../cluster/cluster-nodes.ts";
import { writeBacklog } from "./event-backlog.ts";

/** Events that products has missed when it comes back. */
export const backlogEvents = 10_000;
const batch = 500;

/** Events a second, by which a consumer that was away catches up, from its start's first batch on. */
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
  if (read === undefined) throw new Error("nothing was read");
  // The clock starts when the first batch is applied, so that one does not count.
  const counted = read.events * (1 - 1 / read.batches);
  return { eventsPerSecond: counted / read.seconds, products: restarted };
}

/** The same effects by one connection and no shop: sales of a batch in a transaction each. */
export async function bareRate(cluster: BenchCluster): Promise<number> {
  const client = new pg.Client({ connectionString: cluster.databaseUrls.products });
  await client.connect();
  try {
    await client.query(
      `CREATE TABLE IF NOT EXISTS floor_held (id uuid PRIMARY KEY, state text NOT NULL);
       CREATE TABLE IF NOT EXISTS floor_sold (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, held uuid NOT NULL);
       CREATE TABLE IF NOT EXISTS floor_log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data jsonb NOT NULL);
       TRUNCATE floor_held, floor_sold, floor_log`,
    );
    const ids = Array.from({ length: backlogEvents }, () => crypto.randomUUID());
    await client.query("INSERT INTO floor_held SELECT unnest($1::uuid[]), 'HELD'", [ids]);
    const begun = performance.now();
    for (let from = 0; from < ids.length; from += batch) {
      await client.query("BEGIN");
      await client.query(
        `WITH sold AS (
           UPDATE floor_held SET state = 'SOLD' WHERE id = ANY ($1::uuid[]) RETURNING id
         ), ledger AS (INSERT INTO floor_sold (held) SELECT id FROM sold)
         INSERT INTO floor_log (data) SELECT jsonb_build_object('order_id', id) FROM sold`,
        [ids.slice(from, from + batch)],
      );
      await client.query("COMMIT");
    }
    return backlogEvents / ((performance.now() - begun) / 1000);
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

/** What was measured must also be right: every order sold once, in the order of the log. */
async function assertSold(cluster: BenchCluster): Promise<void> {
  const placed = await cluster.query<{ id: string }>(
    "orders",
    `SELECT data ->> 'order_id' AS id FROM event_log WHERE type = 'order.placed' ORDER BY position`,
  );
  const sold = await cluster.query<{ id: string }>(
    "products",
    // An order of several lines is sold by several rows.
    `SELECT order_id AS id FROM stock_changes WHERE reason = 'SOLD'
     GROUP BY order_id ORDER BY min(stock_changes.id)`,
  );
  const isSame =
    placed.length === sold.length && placed.every(({ id }, index) => id === sold[index]?.id);
  if (!isSame) throw new Error(`${placed.length} orders were placed, and ${sold.length} sold`);
}
