-- Requests that came with a key of their sender's, so that the same one again changes nothing.
CREATE TABLE idempotency_keys (
  -- SHA-256 of the caller, the action and the key.
  id          bytea PRIMARY KEY,
  -- HMAC of the input by the key: a plain hash of a registration would be a fast hash of its
  -- password. Empty when the key is free again, after a refusal.
  fingerprint bytea NOT NULL,
  -- The id of what the request makes, where its twins and its repetitions must share it.
  subject     uuid,
  -- Written in the transaction of the effect; null while there is none.
  answer      jsonb,
  created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
