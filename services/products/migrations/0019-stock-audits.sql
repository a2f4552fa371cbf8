-- The schedule and the result of the stock audit: one row.
CREATE TABLE stock_audits (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  -- When a node began the last scheduled audit.
  begun_at timestamptz NOT NULL DEFAULT '-infinity',
  -- The last finished audit; NULL before the first.
  audited_at timestamptz,
  differences integer
);
INSERT INTO stock_audits DEFAULT VALUES;
