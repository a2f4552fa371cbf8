-- What an order need not look up, row by row: a line's product and reservation, and a sale's product.
-- Lines are written by the statement that writes their reservation, of products that it has locked,
-- and removed with it; sales are made of lines; and products are never removed.
ALTER TABLE reservation_lines
  DROP CONSTRAINT reservation_lines_order_id_fkey,
  DROP CONSTRAINT reservation_lines_product_id_fkey;
ALTER TABLE stock_changes DROP CONSTRAINT stock_changes_product_id_fkey;

CREATE FUNCTION refuse_to_remove_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'products leave the catalogue, and are never removed';
END $$;
CREATE TRIGGER products_stay BEFORE DELETE OR TRUNCATE ON products
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_remove_products();

-- One index where there were two: rows of the ledger are read by their product.
DROP INDEX stock_changes_of_product;
ALTER TABLE stock_changes
  DROP CONSTRAINT stock_changes_pkey,
  ADD PRIMARY KEY (product_id, id);

-- Room in each page for a product's next version, so that an order writes none of its indexes.
ALTER TABLE products SET (fillfactor = 80);
