import pg from "pg";
import type { DomainService } from "../../../services/registry.ts";

/** A prime, so that order n buys product n × 7919 mod count: each product once, scattered over the pages. */
const scatter = 7919;
const price = 5;
const firstStock = 1_000_000;
/** Events of one consumed batch. */
const batch = 50;
const event = {
  columns: "(id, position, type, version, data, occurred_at, traceparent)",
  /** @param kind distinguishes the ids of one kind of event from those of the others */
  of: (kind: number, position: string, type: string, version: number, data: string) =>
    `pg_temp.id_of(${kind}, n), ${position}, '${type}', ${version}, jsonb_build_object(${data}),
     pg_temp.moment_of(n), '00-' || lpad(to_hex(n), 32, '0') || '-0123456789abcdef-01'`,
};

/** Tables that get at least one row per product or order. */
const largeTables = [
  "products",
  "stock_changes",
  "reservations",
  "reservation_lines",
  "event_log",
  "known_products",
  "orders",
  "order_lines",
  "order_history",
];

/** Helper functions of the other statements. Ids are UUIDs (version 7) in the order of their numbers. */
const functions = `
  CREATE FUNCTION pg_temp.id_of(kind integer, n integer) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex(1750000000000 + n), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
            || '8000' || lpad(to_hex(n), 12, '0'))::uuid $$;
  CREATE FUNCTION pg_temp.moment_of(n integer) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
    SELECT to_timestamp(1750000000 + n / 1000.0) $$;
  CREATE FUNCTION pg_temp.product_of(n integer, count integer) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT pg_temp.id_of(1, (1 + n::bigint * ${scatter} % count)::integer) $$`;

type Statements = (count: number) => string[];
const each = (count: number) => `generate_series(1, ${count}) n`;
const product = (count: number) => `pg_temp.product_of(n, ${count})`;
const order = "pg_temp.id_of(2, n)";
const buyer = "($1::uuid[])[1 + n % cardinality($1::uuid[])]";

/** The rows that products writes for `count` products and then `count` orders. */
const productsHistory: Statements = (count) => [
  `INSERT INTO products (id, name, description, price, stock, created_at)
   SELECT pg_temp.id_of(1, n), 'Mug ' || n, 'A mug, number ' || n, ${price}, ${firstStock - 1},
          pg_temp.moment_of(n) FROM ${each(count)}`,
  `INSERT INTO stock_changes (product_id, change, reason, at)
   SELECT pg_temp.id_of(1, n), ${firstStock}, 'CREATED', pg_temp.moment_of(n) FROM ${each(count)}`,
  `INSERT INTO event_log ${event.columns}
   SELECT ${event.of(
     3,
     "n",
     "product.created",
     1,
     `'product_id', pg_temp.id_of(1, n), 'name', 'Mug ' || n, 'price', ${price}, 'stock', ${firstStock}`,
   )} FROM ${each(count)}`,
  `INSERT INTO reservations (order_id, state, created_at)
   SELECT ${order}, 'SOLD', pg_temp.moment_of(n) FROM ${each(count)}`,
  `INSERT INTO reservation_lines (order_id, product_id, quantity, price)
   SELECT ${order}, ${product(count)}, 1, ${price} FROM ${each(count)}`,
  `INSERT INTO stock_changes (product_id, change, reason, order_id, user_id, at)
   SELECT ${product(count)}, -1, 'SOLD', ${order}, ${buyer}, pg_temp.moment_of(n)
   FROM ${each(count)}`,
  `INSERT INTO event_log ${event.columns}
   SELECT ${event.of(
     4,
     `${count} + n`,
     "inventory.updated",
     2,
     `'product_id', ${product(count)}, 'change', 'SOLD', 'number', -1, 'order_id', ${order}`,
   )} FROM ${each(count)}`,
  ...positions({ head: 2 * count, reader: "orders", producer: "orders", read: count }),
];

/** The rows that orders writes for the same products and orders. */
const ordersHistory: Statements = (count) => [
  `INSERT INTO known_products (id, name, price, on_hand)
   SELECT pg_temp.id_of(1, n), 'Mug ' || n, ${price}, ${firstStock - 1} FROM ${each(count)}`,
  `INSERT INTO orders (id, user_id, price_total, quantity, placed_at)
   SELECT ${order}, ${buyer}, ${price}, 1, pg_temp.moment_of(n) FROM ${each(count)}`,
  `INSERT INTO order_lines (order_id, product_id, quantity, price)
   SELECT ${order}, ${product(count)}, 1, ${price} FROM ${each(count)}`,
  `INSERT INTO order_history (order_id, step, status, user_id, at)
   SELECT ${order}, 1, 'PLACED', ${buyer}, pg_temp.moment_of(n) FROM ${each(count)}`,
  `INSERT INTO event_log ${event.columns}
   SELECT ${event.of(
     5,
     "n",
     "order.placed",
     1,
     `'order_id', ${order}, 'user_id', ${buyer}, 'price_total', ${price}, 'quantity', 1,
      'lines', jsonb_build_array(
        jsonb_build_object('product_id', ${product(count)}, 'quantity', 1, 'price', ${price}))`,
   )} FROM ${each(count)}`,
  ...positions({ head: count, reader: "products", producer: "products", read: 2 * count }),
];

/**
 * Writes the head of a service's log, the position of its reader, and the service's own cursor on the
 * log of another producer.
 */
function positions(log: { head: number; reader: string; producer: string; read: number }) {
  const { head, reader, producer, read } = log;
  return [
    `UPDATE event_log_head SET position = ${head}`,
    `INSERT INTO event_readers (consumer, position) VALUES ('${reader}', ${head})
     ON CONFLICT (consumer) DO UPDATE SET position = excluded.position`,
    `INSERT INTO event_cursors (producer, position) VALUES ('${producer}', ${read})
     ON CONFLICT (producer) DO UPDATE SET position = excluded.position`,
    `INSERT INTO event_batches (producer, first_position, last_position, node)
     SELECT '${producer}', first, least(first + ${batch - 1}, ${read}), 'bench'
     FROM generate_series(1, ${read}, ${batch}) first`,
  ];
}

/**
 * Fills the empty databases of a stopped shop with `count` products and `count` orders. Ledgers, logs,
 * cursors and read models are as if the API had received them.
 *
 * @param buyers ids of customers, to whom the orders belong in turn
 */
export async function writeHistory(
  urls: Pick<Record<DomainService, string>, "products" | "orders">,
  count: number,
  buyers: readonly string[],
): Promise<void> {
  await Promise.all([
    fill(urls.products, productsHistory(count), buyers),
    fill(urls.orders, ordersHistory(count), buyers),
  ]);
}

async function fill(url: string, statements: string[], buyers: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SET synchronous_commit = off");
    // Skips the foreign-key checks: every referenced row exists.
    await client.query("SET session_replication_role = replica");
    await client.query(functions);
    await withoutIndexes(client, async () => {
      for (const sql of statements) await client.query(sql, sql.includes("$1") ? [buyers] : []);
    });
    // Otherwise autovacuum would do this during the measurement.
    await client.query("VACUUM ANALYZE");
    await client.query("CHECKPOINT");
  } finally {
    await client.end();
  }
}

/** Disables the indexes of the large tables while `work` runs, then rebuilds them: twice as fast. */
async function withoutIndexes(client: pg.Client, work: () => Promise<void>): Promise<void> {
  const { rows } = await client.query<{ table: string }>(
    `SELECT oid::regclass AS table FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY ($1)`,
    [largeTables],
  );
  const tables = rows.map(({ table }) => table);
  await client.query("SET allow_system_table_mods = on");
  await client.query(
    "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = ANY ($1::regclass[])",
    [tables],
  );
  await work();
  await client.query("SET maintenance_work_mem = '256MB'");
  for (const table of tables) await client.query(`REINDEX TABLE ${table}`);
}
