-- 1 for a new account, plus 1 for each change of its username or email. Events contain it, so that
-- consumers can ignore an older one.
ALTER TABLE users ADD COLUMN profile_version integer NOT NULL DEFAULT 1;

-- The newest reset token of an account. A new one replaces it.
CREATE TABLE password_resets (
  user_id          uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  -- SHA-256: the token is random, so that a plain hash is enough.
  token_hash       bytea NOT NULL CONSTRAINT password_resets_token UNIQUE
    CHECK (length(token_hash) = 32),
  -- The password and the type of the account when the token was created. The token is invalid when
  -- one of them has changed since, also by a node that does not know this table.
  password_version integer NOT NULL,
  user_type        smallint NOT NULL,
  expires_at       timestamptz NOT NULL
);
CREATE INDEX password_resets_by_expiry ON password_resets (expires_at);

ALTER TABLE sessions
  DROP CONSTRAINT sessions_end_reason_check,
  ADD CONSTRAINT sessions_end_reason CHECK (end_reason IN (
    'LOGOUT', 'LOGOUT_EVERYWHERE', 'PASSWORD_CHANGED', 'TYPE_CHANGED', 'REUSED', 'REPLACED',
    'EMAIL_CHANGED', 'PASSWORD_RESET', 'ERASED'
  )) NOT VALID;
