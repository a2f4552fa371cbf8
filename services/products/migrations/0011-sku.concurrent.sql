-- A deleted product gives its SKU free. Empty after the migration: products without an SKU are not in it.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS products_sku ON products (sku)
  WHERE archived_at IS NULL AND sku IS NOT NULL;
