-- When email, username or type changed last; null for an account that has not changed. A trigger sets
-- it, so that nodes of every version do.
ALTER TABLE users ADD COLUMN updated_at timestamptz;

CREATE FUNCTION touch_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END $$;

CREATE TRIGGER users_updated_at BEFORE UPDATE OF email, username, type ON users FOR EACH ROW
  WHEN ((OLD.email, OLD.username, OLD.type) IS DISTINCT FROM (NEW.email, NEW.username, NEW.type))
  EXECUTE FUNCTION touch_user();
