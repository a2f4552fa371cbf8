-- The oldest orders that are not shipped are read first. An order is entered at the end of its status,
-- which costs less than a microsecond.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_status ON orders (status, id);
DROP INDEX CONCURRENTLY IF EXISTS orders_by_status;
