-- Texts are kept in one Unicode normalization, so that they find each other.
UPDATE users SET username = normalize(username, NFC), email = normalize(email, NFC)
WHERE username IS NOT NFC NORMALIZED OR email IS NOT NFC NORMALIZED;
