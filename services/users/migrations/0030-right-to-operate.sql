-- Whether an admin may see and repair the operation of the shop. It has no effect for other types,
-- because nodes of the previous version change the type and leave it.
ALTER TABLE users ADD COLUMN may_operate boolean NOT NULL DEFAULT false;

-- lint-ignore data-change: a shop has few admins, and an index finds them.
UPDATE users SET may_operate = true WHERE type = 1;

ALTER TABLE sessions
  DROP CONSTRAINT sessions_end_reason,
  ADD CONSTRAINT sessions_end_reason CHECK (end_reason IN (
    'LOGOUT', 'LOGOUT_EVERYWHERE', 'PASSWORD_CHANGED', 'TYPE_CHANGED', 'REUSED', 'REPLACED',
    'EMAIL_CHANGED', 'PASSWORD_RESET', 'ERASED', 'RIGHTS_CHANGED'
  )) NOT VALID;
