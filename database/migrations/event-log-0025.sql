-- The key with which gateways encrypt positions for clients. It identifies the log: a cursor of
-- another database cannot be decrypted.
CREATE TABLE event_cursor_key (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  key      text NOT NULL CHECK (key ~ '^[0-9a-f]{64}$')
);

-- Each UUID of version 4 has 122 random bits.
INSERT INTO event_cursor_key (key)
SELECT encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex');
