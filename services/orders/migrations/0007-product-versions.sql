-- An update of a product that was a dead letter can be applied after newer ones, and must not replace
-- what they have stored.
ALTER TABLE known_products ADD COLUMN version integer NOT NULL DEFAULT 1;
