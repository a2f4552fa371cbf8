-- The id of the event at the cursor. It shows whether the producer's log is still the one that the
-- cursor belongs to. Nodes of an older version move only `position`: then the id does not count.
ALTER TABLE event_cursors ADD COLUMN event_id uuid, ADD COLUMN event_position bigint;

-- The ids of the events of a batch, in their order; null for batches of older versions.
ALTER TABLE event_batches ADD COLUMN event_ids uuid[];

-- Cursors that operators have moved, after a database was restored or for an unknown event.
CREATE TABLE event_reconciliations (
  id                 uuid PRIMARY KEY,
  at                 timestamptz NOT NULL DEFAULT now(),
  producer           text NOT NULL,
  continue_from      text NOT NULL,
  -- The cursor before and after.
  from_position      bigint NOT NULL,
  from_event_id      uuid,
  to_position        bigint NOT NULL,
  head               bigint NOT NULL,
  -- Null if it was not known.
  last_common        bigint,
  -- Events behind the last common one that this service had applied, as far as they are known.
  lost_event_ids     uuid[] NOT NULL,
  -- The node that sent the call.
  node               text
);

-- Like `append_events`. Also returns the id of the event before; null without one, or if it is pruned.
-- The head is locked until the transaction ends, so the event before has committed.
CREATE FUNCTION append_events_chained(
  entries jsonb, OUT first_position bigint, OUT previous_id uuid
) LANGUAGE plpgsql STRICT AS $$
BEGIN
  first_position := append_events(entries);
  SELECT id INTO previous_id FROM event_log WHERE position = first_position - 1;
END $$;
