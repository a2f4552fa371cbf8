-- Deliveries of one state are paged by these, however many the other states have.
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_of_state ON deliveries (state, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_of_webhook_and_state
  ON deliveries (webhook_id, state, id);
DROP INDEX CONCURRENTLY IF EXISTS deliveries_not_delivered;
