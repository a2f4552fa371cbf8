-- What became of an order, step by step. Step 1 of an id is PLACED, or VOID: it was promised that
-- there will never be such an order. The key lets only one of the two be.
CREATE TABLE order_history (
  order_id uuid NOT NULL,
  step     integer NOT NULL CHECK (step > 0),
  status   text NOT NULL CHECK (status IN ('VOID', 'PLACED', 'CANCELLED')),
  -- Who did it; null for the shop and its operator.
  user_id  uuid,
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, step),
  CHECK ((step = 1) = (status IN ('VOID', 'PLACED')))
);

INSERT INTO order_history (order_id, step, status, user_id, at)
SELECT id, 1, 'PLACED', user_id, placed_at FROM orders;

-- The last step's.
ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'PLACED'
  CONSTRAINT orders_status CHECK (status IN ('PLACED', 'CANCELLED'));

-- The copies of products are made anew from the log, with what they hold now.
TRUNCATE known_products;
DELETE FROM event_cursors WHERE producer = 'products';
ALTER TABLE known_products RENAME COLUMN stock TO on_hand;
ALTER TABLE known_products ADD COLUMN price integer NOT NULL;
