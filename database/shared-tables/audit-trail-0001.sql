-- Who did what, and who was refused: it is written down once, and stays as it is.
CREATE TABLE audit_trail (
  -- UUIDv7: the order of the ids is the order of the entries.
  id         uuid PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT now(),
  action     text NOT NULL,
  -- OK, or the code of the refusal.
  outcome    text NOT NULL,
  actor_kind text NOT NULL CHECK (actor_kind IN ('anonymous', 'user', 'operator')),
  actor_id   uuid CHECK ((actor_id IS NOT NULL) = (actor_kind = 'user')),
  address    text,
  -- Whose account, or which product.
  subject_id uuid,
  detail     jsonb
);

CREATE INDEX audit_trail_by_age ON audit_trail (at);

-- Only what is older than the time that the pruning says in its transaction goes.
CREATE FUNCTION audit_trail_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.at < now() - nullif(current_setting('shop.audit_kept_for', true), '')::interval THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit trail only grows: % is refused', TG_OP;
END $$;

CREATE TRIGGER audit_trail_rows_stay BEFORE UPDATE OR DELETE ON audit_trail
  FOR EACH ROW EXECUTE FUNCTION audit_trail_only_grows();
CREATE TRIGGER audit_trail_stays BEFORE TRUNCATE ON audit_trail
  FOR EACH STATEMENT EXECUTE FUNCTION audit_trail_only_grows();
