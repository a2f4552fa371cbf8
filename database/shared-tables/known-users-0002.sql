-- The version of the profile that the row has. A redriven dead letter can be older than the row.
ALTER TABLE known_users ADD COLUMN version integer NOT NULL DEFAULT 1;
