-- Somebody has redriven the lane while a node tries its first delivery: if that attempt fails, the next one
-- follows at once.
ALTER TABLE delivery_lanes ADD COLUMN redriven boolean NOT NULL DEFAULT false;
