-- For pages of what the operator, signed-in users or clients without a token have done.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_by_kind ON audit_trail (actor_kind, id);
