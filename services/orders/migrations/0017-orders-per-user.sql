-- Where few users have nearly all orders, ANALYZE finds few different users. PostgreSQL then expects
-- thousands of orders of a user that it does not know while it plans, as in a prepared statement, and
-- reads the orders of all users in the order of their ids. The index of the user's orders is as fast for
-- a user with many orders, and far faster for one with few. So PostgreSQL is told to expect five.
ALTER TABLE orders ALTER COLUMN user_id SET (n_distinct = -0.2);
ANALYZE orders;
