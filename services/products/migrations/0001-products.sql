CREATE TABLE products (
  id          uuid PRIMARY KEY,
  name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description text NOT NULL CHECK (length(description) <= 2000),
  -- In minor units.
  price       integer NOT NULL CHECK (price >= 0),
  -- What can be ordered now: on hand less what is reserved.
  stock       integer NOT NULL CONSTRAINT products_stock_not_negative CHECK (stock >= 0),
  created_at  timestamptz NOT NULL DEFAULT now(),
  -- Set when the product leaves the catalogue; old orders keep pointing to it.
  archived_at timestamptz
);

CREATE INDEX products_catalogue ON products (id) WHERE archived_at IS NULL;

-- Stock taken for an order: HELD until the order is known to be placed, then SOLD.
CREATE TABLE reservations (
  order_id   uuid PRIMARY KEY,
  state      text NOT NULL DEFAULT 'HELD' CHECK (state IN ('HELD', 'SOLD')),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reservation_lines (
  order_id   uuid NOT NULL REFERENCES reservations (order_id) ON DELETE CASCADE,
  product_id uuid NOT NULL REFERENCES products (id),
  quantity   integer NOT NULL CHECK (quantity > 0),
  -- The price when it was reserved, in minor units.
  price      integer NOT NULL CHECK (price >= 0),
  PRIMARY KEY (order_id, product_id)
);

-- Every change of what is on hand; rows are added and never touched again.
CREATE TABLE stock_changes (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id uuid NOT NULL REFERENCES products (id),
  change     integer NOT NULL,
  reason     text NOT NULL CHECK (reason IN ('CREATED', 'ADDED', 'SUBTRACTED', 'SOLD')),
  order_id   uuid,
  user_id    uuid,
  at         timestamptz NOT NULL DEFAULT now(),
  -- A sale belongs to an order, and an order sells a product once.
  CHECK ((reason = 'SOLD') = (order_id IS NOT NULL)),
  UNIQUE (order_id, product_id)
);

CREATE INDEX stock_changes_of_product ON stock_changes (product_id, id);

-- What this service knows of users, from their events.
CREATE TABLE known_users (
  id       uuid PRIMARY KEY,
  username text NOT NULL
);
