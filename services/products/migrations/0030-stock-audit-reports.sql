-- The report of the last audit, and its time. It belongs to another audit than `audited_at` if a node
-- of the previous version has audited the stock since.
ALTER TABLE stock_audits ADD COLUMN report jsonb, ADD COLUMN report_at timestamptz;
