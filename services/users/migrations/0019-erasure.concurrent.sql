-- By which the events of a user are found.
CREATE INDEX CONCURRENTLY IF NOT EXISTS event_log_of_user ON event_log (((data ->> 'user_id')::uuid))
  WHERE data ->> 'user_id' IS NOT NULL;
\ir ../../../database/shared-tables/audit-trail-0003.sql
