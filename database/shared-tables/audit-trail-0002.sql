-- The erasure of users is the only change of entries. It removes, and never replaces,
-- - the address and the masked email of entries by the user, and of entries by anonymous callers about
--   the user,
-- - address and detail of failed logins with an unknown email, if it is a masked email of the user.
CREATE OR REPLACE FUNCTION audit_trail_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  erased_users uuid[];
  erased_emails text[];
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.at < now() - nullif(current_setting('shop.audit_kept_for', true), '')::interval THEN
      RETURN OLD;
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    erased_users := nullif(current_setting('shop.erased_users', true), '')::uuid[];
    erased_emails := nullif(current_setting('shop.erased_emails', true), '')::text[];
    IF NEW.address IS NULL
      AND (NEW.id, NEW.at, NEW.action, NEW.outcome, NEW.actor_kind, NEW.actor_id, NEW.subject_id)
        IS NOT DISTINCT FROM
          (OLD.id, OLD.at, OLD.action, OLD.outcome, OLD.actor_kind, OLD.actor_id, OLD.subject_id)
      AND (
        NEW.detail IS NOT DISTINCT FROM OLD.detail - 'email' AND (OLD.actor_id = ANY (erased_users)
          OR OLD.actor_kind = 'anonymous' AND OLD.subject_id = ANY (erased_users))
        OR NEW.detail IS NULL AND OLD.subject_id IS NULL
          AND lower(OLD.detail ->> 'email') = ANY (erased_emails)
      )
    THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit trail only grows: % is refused', TG_OP;
END $$;

-- `masked_email` is the present one; earlier ones are in entries about changes of the email.
CREATE FUNCTION erase_from_audit_trail(user_ids uuid[], masked_email text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  emails text[] := ARRAY(
    SELECT DISTINCT lower(detail ->> 'email') FROM audit_trail
    WHERE subject_id = ANY (user_ids) AND subject_id IS NOT NULL AND detail ->> 'email' IS NOT NULL
    UNION SELECT lower(masked_email) WHERE masked_email IS NOT NULL
  );
BEGIN
  PERFORM set_config('shop.erased_users', user_ids::text, true),
    set_config('shop.erased_emails', emails::text, true);
  -- The conditions IS NOT NULL let PostgreSQL use the partial indexes.
  UPDATE audit_trail SET address = NULL, detail = detail - 'email'
  WHERE actor_id = ANY (user_ids) AND actor_id IS NOT NULL AND address IS NOT NULL;
  UPDATE audit_trail SET address = NULL, detail = detail - 'email'
  WHERE subject_id = ANY (user_ids) AND subject_id IS NOT NULL
    AND actor_kind = 'anonymous' AND address IS NOT NULL;
  UPDATE audit_trail SET address = NULL, detail = NULL
  WHERE lower(detail ->> 'email') = ANY (emails) AND detail ->> 'email' IS NOT NULL
    AND subject_id IS NULL;
  PERFORM set_config('shop.erased_users', '', true), set_config('shop.erased_emails', '', true);
END $$;
