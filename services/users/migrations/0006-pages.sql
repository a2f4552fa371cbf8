-- What pages of accounts are sorted by, and found by the beginning of. In the order of the bytes,
-- whatever the database's own collation is.
CREATE INDEX users_by_username ON users (lower(username) COLLATE "C", id);
CREATE INDEX users_by_email ON users (email_key COLLATE "C");
-- Few are anything but customers.
CREATE INDEX users_by_type ON users (id) WHERE type <> 0;
