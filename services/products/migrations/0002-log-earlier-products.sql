-- Products from before there was an event log, for those who read it from its beginning.
INSERT INTO event_log (id, type, version, data, occurred_at)
SELECT gen_random_uuid(), 'product.created', 1,
       jsonb_build_object('product_id', id, 'name', name, 'price', price, 'stock', stock), created_at
FROM products ORDER BY id;

INSERT INTO event_log (id, type, version, data, occurred_at)
SELECT gen_random_uuid(), 'inventory.updated', 1,
       jsonb_build_object('product_id', id, 'change', 'DELETED', 'stock', stock), archived_at
FROM products WHERE archived_at IS NOT NULL ORDER BY id;
