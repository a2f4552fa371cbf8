-- What the events of a batch are, in their order: if the database of their producer is restored to an
-- earlier moment, an operator sees which orders, products or users are lost. Null for batches of
-- older versions.
ALTER TABLE event_batches ADD COLUMN event_types text[], ADD COLUMN entity_ids uuid[];

-- The same about the lost events.
ALTER TABLE event_reconciliations ADD COLUMN lost_types text[], ADD COLUMN lost_entity_ids uuid[];
