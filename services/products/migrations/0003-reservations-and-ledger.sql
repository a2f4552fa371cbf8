-- A reservation whose time is over asks orders what became of its order.
ALTER TABLE reservations ADD COLUMN expires_at timestamptz;
UPDATE reservations SET expires_at = now() WHERE state = 'HELD';
ALTER TABLE reservations
  DROP CONSTRAINT reservations_state_check,
  ADD CONSTRAINT reservations_state CHECK (state IN ('HELD', 'SOLD', 'CANCELLED')),
  ADD CONSTRAINT reservations_held_expire CHECK ((state = 'HELD') = (expires_at IS NOT NULL));
CREATE INDEX reservations_held ON reservations (expires_at) WHERE state = 'HELD';

-- A cancelled order gives back what it took, each product once.
ALTER TABLE stock_changes
  DROP CONSTRAINT stock_changes_reason_check,
  DROP CONSTRAINT stock_changes_check,
  DROP CONSTRAINT stock_changes_order_id_product_id_key,
  ADD CONSTRAINT stock_changes_reason
    CHECK (reason IN ('CREATED', 'ADDED', 'SUBTRACTED', 'SOLD', 'RETURNED')),
  ADD CONSTRAINT stock_changes_of_orders
    CHECK ((reason IN ('SOLD', 'RETURNED')) = (order_id IS NOT NULL)),
  ADD CONSTRAINT stock_changes_once_per_order UNIQUE (order_id, product_id, reason);

CREATE FUNCTION refuse_to_change_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of the stock ledger are added, and never changed or removed';
END $$;
CREATE TRIGGER stock_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_changes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_ledger();

-- The event inventory.updated says by how much the stock on hand has changed. Earlier ones did
-- not: they count as nothing, and one of today makes up for all of them.
UPDATE event_log SET version = 2, data = data - 'stock' || '{"number": 0, "order_id": null}'
WHERE type = 'inventory.updated';

INSERT INTO event_log (id, type, version, data, occurred_at)
SELECT gen_random_uuid(), 'inventory.updated', 2,
       jsonb_build_object('product_id', ledger.product_id, 'change', 'COUNTED', 'order_id', null,
                          'number', ledger.on_hand - (created.data ->> 'stock')::integer), now()
FROM (SELECT product_id, sum(change)::integer AS on_hand FROM stock_changes GROUP BY 1) ledger
JOIN event_log created
  ON created.type = 'product.created' AND created.data ->> 'product_id' = ledger.product_id::text
WHERE ledger.on_hand <> (created.data ->> 'stock')::integer
ORDER BY ledger.product_id;
