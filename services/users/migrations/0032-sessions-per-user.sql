-- Where a few users have most sessions, PostgreSQL expects thousands of sessions of a user that it does
-- not know while it plans, and reads the sessions of all users. It is told to expect five.
ALTER TABLE sessions ALTER COLUMN user_id SET (n_distinct = -0.2);
ANALYZE sessions;
