-- By which the entries that the erasure of a user changes are found.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_of_actor ON audit_trail (actor_id)
  WHERE actor_id IS NOT NULL AND address IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_of_subject ON audit_trail (subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_of_email ON audit_trail (lower(detail ->> 'email'))
  WHERE subject_id IS NULL AND detail ->> 'email' IS NOT NULL;
