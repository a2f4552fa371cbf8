-- What this service tells the others, written in the transaction of the change itself.
CREATE TABLE event_log (
  -- The order in which entries were written: of two that touch the same row, the later is higher.
  seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id          uuid NOT NULL UNIQUE,
  -- Given after the commit, without gaps: sequences alone skip what commits late.
  position    bigint UNIQUE,
  type        text NOT NULL,
  version     integer NOT NULL,
  data        jsonb NOT NULL,
  occurred_at timestamptz NOT NULL
);

CREATE INDEX event_log_without_position ON event_log (seq) WHERE position IS NULL;

-- The last position that was given; its lock lets one replica give positions at a time.
CREATE TABLE event_log_head (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  position bigint NOT NULL DEFAULT 0
);

INSERT INTO event_log_head DEFAULT VALUES;

-- How far this service has read the log of each other service; it moves with the effect.
CREATE TABLE event_cursors (
  producer text PRIMARY KEY,
  position bigint NOT NULL DEFAULT 0,
  moved_at timestamptz NOT NULL DEFAULT now()
);

-- Events whose effect failed for good, until somebody sends them again.
CREATE TABLE dead_letters (
  id       uuid PRIMARY KEY,
  producer text NOT NULL,
  position bigint NOT NULL,
  event    jsonb NOT NULL,
  reason   text NOT NULL,
  at       timestamptz NOT NULL DEFAULT now()
);
