-- For pages of what some users have done, of what has affected some subjects, of some actions, and of
-- rejected attempts. The first two also serve the erasure of users, and replace its indexes.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_by_actor ON audit_trail (actor_id, id)
  WHERE actor_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_by_subject ON audit_trail (subject_id, id)
  WHERE subject_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_by_action ON audit_trail (action, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_trail_rejected ON audit_trail (id)
  WHERE outcome <> 'OK';
DROP INDEX CONCURRENTLY IF EXISTS audit_trail_of_actor;
DROP INDEX CONCURRENTLY IF EXISTS audit_trail_of_subject;
