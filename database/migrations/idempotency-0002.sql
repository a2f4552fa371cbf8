-- The latest attempt at the request whose sender was told a refusal. Its delayed copies, and those of
-- earlier attempts, have no effect any more. Ids of attempts are UUIDs of version 7: they grow in time.
ALTER TABLE idempotency_keys ADD COLUMN refused_attempt uuid;
