-- The options of `products_by_words`, whose place it takes: 0031-search-index.sql has the reasons.
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_by_new_words
  ON products USING gin (new_words_of_product(name, description))
  WITH (fastupdate = on, gin_pending_list_limit = 1024) WHERE archived_at IS NULL;
