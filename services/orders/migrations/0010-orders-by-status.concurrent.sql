-- Placing an order writes nothing here.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_status ON orders (status, id)
  WHERE status <> 'PLACED';
DROP INDEX CONCURRENTLY IF EXISTS orders_cancelled;
