-- Accounts from before there was an event log, for those who read it from its beginning.
INSERT INTO event_log (id, type, version, data, occurred_at)
SELECT gen_random_uuid(), 'user.registered', 1,
       jsonb_build_object('user_id', id, 'username', username, 'type', type), created_at
FROM users ORDER BY id;
