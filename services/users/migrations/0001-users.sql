CREATE TABLE users (
  id            uuid PRIMARY KEY,
  email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  -- The email in the form it is compared in: without case, in one Unicode normalization.
  email_key     text NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
  username      text NOT NULL CHECK (length(username) BETWEEN 1 AND 100),
  -- PHC string format: algorithm, parameters, salt and hash in one.
  password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
  -- 0 DEFAULT, 1 ADMIN
  type          smallint NOT NULL CHECK (type IN (0, 1)),
  created_at    timestamptz NOT NULL DEFAULT now()
);

-- There can be one first admin only: whoever claims it without an admin's token inserts this row.
CREATE TABLE first_admin (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  user_id  uuid NOT NULL REFERENCES users (id)
);

CREATE TABLE signing_keys (
  kid         text PRIMARY KEY,
  private_pem text NOT NULL,
  public_jwk  jsonb NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
