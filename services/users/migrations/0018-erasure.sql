-- The erasure of a user deletes the account. Its ended sessions stay until their tokens expire, and
-- the first admin's id stays, so that nobody can claim to be the first again.
ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_fkey;
ALTER TABLE first_admin DROP CONSTRAINT first_admin_user_id_fkey;
