-- How often who has tried what. Columns and their order are those that rate-limiter-flexible writes.
-- Unlogged: a login must not wait for the disk to be counted, and counting may begin anew after a
-- crash of the database.
CREATE UNLOGGED TABLE rate_limits (
  key    varchar(255) PRIMARY KEY,
  points integer NOT NULL DEFAULT 0,
  -- In milliseconds since 1970.
  expire bigint
);
