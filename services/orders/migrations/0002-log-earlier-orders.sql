-- Orders from before there was an event log: a reservation whose event was lost is sold by it.
INSERT INTO event_log (id, type, version, data, occurred_at)
SELECT gen_random_uuid(), 'order.placed', 1,
       jsonb_build_object('order_id', o.id, 'user_id', o.user_id, 'price_total', o.price_total,
                          'quantity', o.quantity, 'lines', lines.list), o.placed_at
FROM orders o
CROSS JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_object('product_id', product_id, 'quantity', quantity, 'price', price)
                   ORDER BY product_id) AS list
  FROM order_lines WHERE order_id = o.id
) lines
ORDER BY o.id;
