-- Endpoints that get events by HTTP.
CREATE TABLE webhooks (
  id                  uuid PRIMARY KEY,
  url                 text NOT NULL,
  -- The types of the events that the endpoint gets.
  events              text[] NOT NULL,
  description         text NOT NULL,
  enabled             boolean NOT NULL DEFAULT true,
  -- Why the service has disabled the endpoint; null if an admin did.
  disabled_reason     text CHECK (disabled_reason IN ('GONE')),
  -- `whsec_…`, encrypted if KEY_ENCRYPTION_SECRET is set.
  secret              text NOT NULL,
  -- The secret before the last rotation also signs until this time.
  former_secret       text,
  former_secret_until timestamptz,
  -- The endpoint has asked for a pause (Retry-After).
  paused_until        timestamptz,
  updated_at          timestamptz NOT NULL DEFAULT now(),
  -- Pruning removes the rows of a deleted endpoint in batches.
  deleted_at          timestamptz
);

-- An event for an endpoint.
CREATE TABLE deliveries (
  -- UUIDv7, in the order in which they were recorded.
  id          uuid PRIMARY KEY,
  webhook_id  uuid NOT NULL REFERENCES webhooks,
  event_id    uuid NOT NULL,
  type        text NOT NULL,
  -- The order, product or user of the event. All events of one entity have one producer.
  entity_id   uuid NOT NULL,
  position    bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  -- Null once delivered: a delivered event needs no copy.
  data        jsonb,
  state       text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'DEAD')),
  attempts    integer NOT NULL DEFAULT 0,
  last_status integer,
  last_error  text,
  duration_ms integer,
  -- An attempt that fails after this time is the last one.
  retry_until timestamptz NOT NULL DEFAULT now() + interval '3 days',
  finished_at timestamptz,
  -- A consumer that is repaired by hand may see an event again.
  CONSTRAINT deliveries_once_per_webhook UNIQUE (webhook_id, event_id)
);

CREATE INDEX deliveries_pending ON deliveries (webhook_id, entity_id, position)
  WHERE state = 'PENDING';
CREATE INDEX deliveries_not_delivered ON deliveries (id) WHERE state <> 'DELIVERED';
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_id, id);
CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX deliveries_with_names ON deliveries ((data ->> 'user_id'))
  WHERE data ->> 'username' IS NOT NULL;

-- The pending deliveries of an endpoint about one entity: they are sent in their order, one by one.
CREATE TABLE delivery_lanes (
  webhook_id uuid NOT NULL,
  entity_id  uuid NOT NULL,
  -- Pruning removes lanes without pending deliveries.
  pending    integer NOT NULL,
  -- When the first delivery is tried next. While a node tries it: when its claim ends.
  due_at     timestamptz NOT NULL DEFAULT now(),
  -- The node's claim; null if no node tries the first delivery.
  claim      uuid,
  PRIMARY KEY (webhook_id, entity_id)
);

CREATE INDEX delivery_lanes_due ON delivery_lanes (webhook_id, due_at) WHERE pending > 0;
CREATE INDEX delivery_lanes_empty ON delivery_lanes (webhook_id) WHERE pending = 0;
