-- An order is placed, then either cancelled, or shipped and delivered. The number of a step belongs
-- to its status, so that the primary key excludes an order that is shipped and cancelled.
ALTER TABLE order_history
  DROP CONSTRAINT order_history_status_check,
  DROP CONSTRAINT order_history_check,
  -- The carrier and its number of the parcel, for example; only for the step SHIPPED.
  ADD COLUMN tracking text,
  ADD CONSTRAINT order_history_tracking CHECK (
    tracking IS NULL OR length(tracking) BETWEEN 1 AND 200 AND status = 'SHIPPED'
  ) NOT VALID,
  ADD CONSTRAINT order_history_steps CHECK (
    step = 1 AND status IN ('VOID', 'PLACED')
    OR step = 2 AND status IN ('CANCELLED', 'SHIPPED')
    OR step = 3 AND status = 'DELIVERED'
  ) NOT VALID;

ALTER TABLE orders
  DROP CONSTRAINT orders_status,
  ADD CONSTRAINT orders_status
    CHECK (status IN ('PLACED', 'CANCELLED', 'SHIPPED', 'DELIVERED')) NOT VALID;
