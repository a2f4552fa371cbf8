-- What the client of the login said of itself. Null for earlier sessions, and for a login through a
-- gateway of an earlier version. A node of an earlier version that erases a user leaves it until the
-- last access token has expired; then the session is deleted.
ALTER TABLE sessions ADD COLUMN user_agent text;
