-- What pages of the catalogue are sorted by, and found by. Sorts end with the id, so that no two
-- rows are equal. The tables are locked for writing until this is done: seconds for a million rows.

-- A column, since an index on the stock itself would be written by every order: this one changes
-- when a product is sold out or comes back.
ALTER TABLE products ADD COLUMN in_stock boolean NOT NULL GENERATED ALWAYS AS (stock > 0) STORED;

CREATE INDEX products_by_price ON products (price, id) WHERE archived_at IS NULL;
CREATE INDEX products_by_name ON products (lower(name) COLLATE "C", id) WHERE archived_at IS NULL;
CREATE INDEX products_by_stock ON products (in_stock, id) WHERE archived_at IS NULL;
CREATE INDEX products_by_stock_and_price ON products (in_stock, price, id)
  WHERE archived_at IS NULL;
CREATE INDEX products_by_stock_and_name ON products (in_stock, lower(name) COLLATE "C", id)
  WHERE archived_at IS NULL;

-- Texts are cut at punctuation, which the parser would take for parts of addresses and numbers.
CREATE FUNCTION plain_words(text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN translate(text, './-@_:&=?#%~+*\', '               ');

CREATE FUNCTION words_of_product(name text, description text) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('simple', plain_words(name || ' ' || description));

-- All words of what is searched for, the last of which may be the beginning of one. Null where
-- there is no word in it: then nothing is found.
CREATE FUNCTION search_of_words(search text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (nullif(plainto_tsquery('simple', plain_words(search))::text, '') || ':*')::tsquery;

-- Without a list of pending entries, which every search would have to read through.
CREATE INDEX products_by_words ON products USING gin (words_of_product(name, description))
  WITH (fastupdate = off) WHERE archived_at IS NULL;
