-- The trace of the request that caused an event, in the form of W3C Trace Context.
ALTER TABLE event_log ADD COLUMN traceparent text;

-- For operators who follow one order.
CREATE INDEX event_log_of_order ON event_log ((data ->> 'order_id')) WHERE data ->> 'order_id' IS NOT NULL;

-- Entries up to this position are pruned.
ALTER TABLE event_log_head ADD COLUMN pruned_to bigint NOT NULL DEFAULT 0;

-- Who reads this log, and how far each has said to be: nothing that one still needs is pruned.
CREATE TABLE event_readers (
  consumer text PRIMARY KEY,
  position bigint NOT NULL,
  seen_at  timestamptz NOT NULL DEFAULT now()
);

-- Which events were applied here, together, when, and by which node.
CREATE TABLE event_batches (
  producer       text NOT NULL,
  first_position bigint NOT NULL,
  last_position  bigint NOT NULL CHECK (last_position >= first_position),
  node           text NOT NULL,
  applied_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Applied once: the database itself refuses a second time.
  PRIMARY KEY (producer, first_position)
);
