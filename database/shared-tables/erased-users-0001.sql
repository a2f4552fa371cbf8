-- The users whose personal data were erased. A rebuild of read models does not empty this table, so
-- that no event of before brings a name back.
CREATE TABLE erased_users (
  id        uuid PRIMARY KEY,
  erased_at timestamptz NOT NULL DEFAULT now()
);
