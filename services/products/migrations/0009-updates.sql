-- What an update changes. All columns have defaults or can be null, so that nodes of the previous
-- version can still write products; adding them rewrites no row.
ALTER TABLE products
  ADD COLUMN sku text,
  ADD CONSTRAINT products_sku_check CHECK (length(sku) BETWEEN 1 AND 64) NOT VALID,
  -- 1 for a new product, plus 1 for each update. Changes of the stock are not updates.
  ADD COLUMN version integer NOT NULL DEFAULT 1,
  -- Null for a product without an update.
  ADD COLUMN updated_at timestamptz,
  -- When the price got its value. Null for the price that the product was created with.
  ADD COLUMN price_since timestamptz;

-- The prices that were replaced. The present one is in products.
CREATE TABLE former_prices (
  product_id uuid NOT NULL,
  -- The product's last version with this price.
  version    integer NOT NULL,
  -- In minor units.
  price      integer NOT NULL,
  valid_from timestamptz NOT NULL,
  PRIMARY KEY (product_id, version)
);
