-- How often the password was changed: a login that checked an earlier one opens no session.
ALTER TABLE users ADD COLUMN password_version integer NOT NULL DEFAULT 1;

-- A sign-in: a family of refresh tokens, of which each takes the place of the one before. A token
-- is a handle, which finds the family, and a secret. Only their SHA-256 hashes are kept.
CREATE TABLE sessions (
  -- Stands in access tokens, as claim sid. The handle does not, so that nobody who has only seen
  -- an access token can name the family.
  id                   uuid PRIMARY KEY,
  user_id              uuid NOT NULL REFERENCES users (id),
  handle_hash          bytea NOT NULL UNIQUE CHECK (length(handle_hash) = 32),
  secret_hash          bytea NOT NULL CHECK (length(secret_hash) = 32),
  -- The token before the newest one. With the salt it gives the newest one again.
  previous_secret_hash bytea CHECK (length(previous_secret_hash) = 32),
  successor_salt       bytea CHECK (length(successor_salt) = 32),
  rotated_at           timestamptz NOT NULL DEFAULT now(),
  created_at           timestamptz NOT NULL DEFAULT now(),
  expires_at           timestamptz NOT NULL,
  -- When the last access token that it has given expires; never after the session itself.
  tokens_expire_at     timestamptz NOT NULL CHECK (tokens_expire_at <= expires_at),
  ended_at             timestamptz,
  end_reason           text CHECK (end_reason IN (
    'LOGOUT', 'LOGOUT_EVERYWHERE', 'PASSWORD_CHANGED', 'TYPE_CHANGED', 'REUSED', 'REPLACED'
  )),
  -- Where the login came from.
  address              text,
  CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
  CHECK ((previous_secret_hash IS NULL) = (successor_salt IS NULL))
);

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (tokens_expire_at) WHERE ended_at IS NOT NULL;

ALTER TABLE signing_keys
  -- Since when another key signs; null for the one that does.
  ADD COLUMN retired_at timestamptz,
  -- The longest life of a token that it has signed. A day was the default before.
  ADD COLUMN token_ttl_seconds integer NOT NULL DEFAULT 86400;

COMMENT ON COLUMN signing_keys.private_pem IS
  'PEM, or with KEY_ENCRYPTION_SECRET its encrypted form, which begins with its version ("v1.").';
