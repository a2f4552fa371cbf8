import type { BenchCluster } from "../cluster/cluster-nodes.ts";

/** The orders are spread over this many products. */
const productCount = 100;

/**
 * Writes orders as they are while products is stopped: stock held, orders and their log entries
 * written, no event consumed.
 */
export async function writeBacklog(cluster: BenchCluster, orders: number): Promise<void> {
  const products = await cluster.query<{ id: string }>(
    "products",
    "SELECT id FROM products WHERE archived_at IS NULL ORDER BY id LIMIT $1",
    [productCount],
  );
  const ids = Array.from({ length: orders }, () => crypto.randomUUID());
  const productIds = ids.map((_id, index) => products[index % products.length]?.id);
  await cluster.query(
    "products",
    `WITH sold AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS o (order_id, product_id)
     ), held AS (
       INSERT INTO reservations (order_id, expires_at)
       SELECT order_id, now() + interval '1 hour' FROM sold
     ), lines AS (
       INSERT INTO reservation_lines (order_id, product_id, quantity, price)
       SELECT order_id, product_id, 1, 5 FROM sold
     )
     UPDATE products p SET stock = stock - taken.pieces
     FROM (SELECT product_id, count(*) AS pieces FROM sold GROUP BY 1) taken
     WHERE p.id = taken.product_id`,
    [ids, productIds],
  );
  await cluster.query(
    "orders",
    `WITH placed AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS o (id, product_id)
     ), buyer AS (SELECT gen_random_uuid() AS id), history AS (
       INSERT INTO order_history (order_id, step, status)
       SELECT id, 1, 'PLACED' FROM placed
     ), written AS (
       INSERT INTO orders (id, user_id, price_total, quantity)
       SELECT placed.id, buyer.id, 5, 1 FROM placed, buyer
     ), lines AS (
       INSERT INTO order_lines (order_id, product_id, quantity, price)
       SELECT id, product_id, 1, 5 FROM placed
     )
     INSERT INTO event_log (id, type, version, data, occurred_at)
     SELECT gen_random_uuid(), 'order.placed', 1, jsonb_build_object(
       'order_id', placed.id, 'user_id', buyer.id, 'price_total', 5, 'quantity', 1,
       'lines', jsonb_build_array(
         jsonb_build_object('product_id', product_id, 'quantity', 1, 'price', 5))), now()
     FROM placed, buyer`,
    [ids, productIds],
  );
}
