CREATE TABLE orders (
  id          uuid PRIMARY KEY,
  user_id     uuid NOT NULL,
  -- In minor units.
  price_total integer NOT NULL CHECK (price_total >= 0),
  -- Pieces over all lines.
  quantity    integer NOT NULL CHECK (quantity > 0),
  placed_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX orders_of_user ON orders (user_id, id DESC);

CREATE TABLE order_lines (
  order_id   uuid NOT NULL REFERENCES orders (id),
  product_id uuid NOT NULL,
  quantity   integer NOT NULL CHECK (quantity > 0),
  -- Of one piece when it was ordered, in minor units.
  price      integer NOT NULL CHECK (price >= 0),
  PRIMARY KEY (order_id, product_id)
);

-- What this service knows of products and users, from their events.
CREATE TABLE known_products (
  id           uuid PRIMARY KEY,
  name         text NOT NULL,
  stock        integer NOT NULL,
  in_catalogue boolean NOT NULL DEFAULT true
);

CREATE TABLE known_users (
  id       uuid PRIMARY KEY,
  username text NOT NULL
);
