-- Reads the tables while orders are placed.
ALTER TABLE order_history VALIDATE CONSTRAINT order_history_tracking;
ALTER TABLE order_history VALIDATE CONSTRAINT order_history_steps;
ALTER TABLE orders VALIDATE CONSTRAINT orders_status;
