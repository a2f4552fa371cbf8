-- Orders are placed, and few are cancelled: placing one writes nothing here.
CREATE INDEX orders_cancelled ON orders (id) WHERE status = 'CANCELLED';
