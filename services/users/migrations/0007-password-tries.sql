-- How often somebody has tried whose password. Unlogged, as rate_limits is: a login must not wait
-- for the disk to be counted, and counting may begin anew after a crash of the database.
CREATE UNLOGGED TABLE password_tries (
  key          text PRIMARY KEY,
  tries        integer NOT NULL,
  -- Then the count begins anew.
  forgotten_at timestamptz NOT NULL,
  -- Until then no further try is looked at.
  closed_until timestamptz,
  -- Whether the audit trail says that somebody was turned away meanwhile.
  is_noted     boolean NOT NULL DEFAULT false
);

-- A login asks whether an account has a session from where it comes.
CREATE INDEX sessions_by_user_and_address ON sessions (user_id, address);
DROP INDEX sessions_by_user;
