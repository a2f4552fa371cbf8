-- There are few webhooks. PostgreSQL would expect many rows of a webhook that it does not know while it
-- plans, as in a prepared statement, and would read the rows of all webhooks. The indexes that begin
-- with the webhook are as fast for a webhook with many rows, and far faster for one with few. So
-- PostgreSQL is told to expect five.
ALTER TABLE deliveries ALTER COLUMN webhook_id SET (n_distinct = -0.2);
ALTER TABLE delivery_lanes ALTER COLUMN webhook_id SET (n_distinct = -0.2);
ANALYZE deliveries, delivery_lanes;
