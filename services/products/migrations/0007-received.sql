-- What a product has ever received is summed up when it receives more. Sales and returns, which are
-- most of the ledger, are not in this index.
CREATE INDEX stock_changes_received ON stock_changes (product_id) INCLUDE (change)
  WHERE reason IN ('CREATED', 'ADDED', 'SUBTRACTED');
