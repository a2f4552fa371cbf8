-- Positions are given in the transaction of the change, and no longer behind it: entries are written
-- once, and there is nobody whose work it is to hand positions on.

-- Gives so many positions, and tells the first. The head stays locked until the transaction ends: so
-- entries get their positions in the order of their commits, and a reader sees no gap, ever.
CREATE FUNCTION take_event_positions(number integer) RETURNS bigint LANGUAGE sql AS $$
  UPDATE event_log_head SET position = position + number RETURNING position - number + 1
$$;

-- What was committed, but not yet given its position.
WITH next AS (
  SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM event_log WHERE position IS NULL
), head AS (
  UPDATE event_log_head SET position = position + (SELECT count(*) FROM next)
  RETURNING position - (SELECT count(*) FROM next) AS before
)
UPDATE event_log e SET position = head.before + next.place FROM next, head WHERE e.seq = next.seq;

DROP INDEX event_log_without_position, event_log_of_order;
ALTER TABLE event_log
  DROP COLUMN seq,
  DROP CONSTRAINT event_log_id_key,
  DROP CONSTRAINT event_log_position_key,
  ALTER COLUMN position SET DEFAULT take_event_positions(1),
  ADD PRIMARY KEY (position);

-- For operators who follow one order. As uuid it is small, and grows at its end.
CREATE INDEX event_log_of_order ON event_log (((data ->> 'order_id')::uuid))
  WHERE data ->> 'order_id' IS NOT NULL;

-- By which they are pruned. Batches come in the order of their age, so a few entries say where.
CREATE INDEX event_batches_by_age ON event_batches USING brin (applied_at);

-- Adds entries to the log, in their order, and gives the position of the first; null for null.
-- The last thing a transaction does: from here on all others that have something to tell wait for it.
CREATE FUNCTION append_events(entries jsonb) RETURNS bigint LANGUAGE plpgsql STRICT AS $$
DECLARE
  first_position bigint := take_event_positions(jsonb_array_length(entries));
BEGIN
  INSERT INTO event_log (position, id, type, version, data, occurred_at, traceparent)
  SELECT first_position + e.place - 1, e.id, e.type, e.version, e.data, e."occurredAt", e.traceparent
  FROM ROWS FROM (jsonb_to_recordset(entries) AS
    (id uuid, type text, version integer, data jsonb, "occurredAt" timestamptz, traceparent text))
    WITH ORDINALITY AS e (id, type, version, data, "occurredAt", traceparent, place);
  RETURN first_position;
END $$;
