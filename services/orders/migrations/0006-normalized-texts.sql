-- Texts are kept in one Unicode normalization, so that they find each other.
UPDATE known_products SET name = normalize(name, NFC) WHERE name IS NOT NFC NORMALIZED;
UPDATE known_users SET username = normalize(username, NFC) WHERE username IS NOT NFC NORMALIZED;
