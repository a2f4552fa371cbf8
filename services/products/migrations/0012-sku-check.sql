ALTER TABLE products VALIDATE CONSTRAINT products_sku_check;
