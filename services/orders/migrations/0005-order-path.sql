-- The statement that writes lines writes their order, too: it need not be looked up for each of them.
ALTER TABLE order_lines DROP CONSTRAINT order_lines_order_id_fkey;
