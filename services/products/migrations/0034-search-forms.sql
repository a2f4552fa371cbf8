-- A word is found in each of its usual spellings: with and without accents and vowel points, ß as ss,
-- a final sigma as another one, with and without the apostrophe or the hyphen in it; and a number with
-- and without the separators of its thousands. The two migrations after this one build the index of the
-- new words and put it in the place of the old one, so that no search meets the words of both.

-- Text that differs from another one only in such signs becomes the same text.
-- Where the encoding of the database is not UTF-8, it stays as it is. Signs are written as they are, because
-- such a database rejects `U&'…'`, also where it is never executed.
CREATE FUNCTION folded_text(text text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  folded text COLLATE "C" := text;
BEGIN
  -- Most texts are nothing but ASCII.
  IF octet_length(folded) = length(folded) THEN RETURN folded; END IF;
  -- Apostrophes and hyphens as on a keyboard. Signs of trade marks would become letters. A function that
  -- changes nothing takes as long as others, so it is called only if it has something to change.
  IF folded ~ '[\u00B4\u02B9\u02BB\u02BC\u02BE\u02BF\u2010\u2011\u2018\u2019\u201B\u2032\u2120\u2122\uFF07]' THEN
    folded := translate(folded,
      '´ʹʻʼʾʿ‘’‛′＇‐‑℠™',
      '''''''''''''''''''''''--  ');
  END IF;
  folded := normalize(folded, NFKD);
  -- Characters that are drawn as nothing; accents, points of Hebrew, vowels and stretching of Arabic.
  folded := regexp_replace(folded,
    '[\u00AD\u034F\u061C\u180E\u200C-\u200F\u202A-\u202E\u2060-\u206F\uFE00-\uFE0F\uFEFF\U000E0000-\U000E0FFF'
      '\u0300-\u036F\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u0610-\u061A\u0640\u064B-\u065F\u0670'
      '\u06D6-\u06DC\u06DF-\u06E4\u06E7\u06E8\u06EA-\u06ED]+',
    '', 'g');
  IF octet_length(folded) = length(folded) THEN RETURN folded; END IF;
  -- Letters and digits that normalization keeps apart.
  IF folded ~ '[\u00D8\u00F8\u0110\u0111\u0126\u0127\u0131\u0141\u0142\u03C2\u0660-\u0669\u06F0-\u06F9]' THEN
    folded := translate(folded,
      'ØøĐđĦħıŁłς٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹',
      'ooddhhillσ01234567890123456789');
  END IF;
  IF folded ~ '[\u00DF\u1E9E\u00E6\u00C6\u0153\u0152]' THEN
    folded := regexp_replace(folded, '[\u00DF\u1E9E]', 'ss', 'g');
    folded := regexp_replace(folded, '[\u00E6\u00C6]', 'ae', 'g');
    folded := regexp_replace(folded, '[\u0153\u0152]', 'oe', 'g');
  END IF;
  folded := normalize(folded, NFC);
  -- Spaces, punctuation, currencies, symbols: the parser knows those of ASCII only, where the locale of
  -- the database is C, and takes all others for letters.
  RETURN regexp_replace(folded,
    '[\u00A0-\u00A9\u00AB-\u00B1\u00B4\u00B6-\u00B8\u00BB\u00BF\u00D7\u00F7\u02C2-\u02C5\u02D2-\u02DF'
      '\u055A-\u055F\u0589\u058A\u05BE\u05C0\u05C3\u05F3\u05F4\u060C\u061B\u061E\u061F\u066A-\u066D\u06D4'
      '\u0964\u0965\u0970\u0E4F\u0E5A\u0E5B\u1680\u2000-\u200B\u2010-\u2029\u202F-\u205F\u20A0-\u20CF'
      '\u2190-\u245F\u2500-\u2BFF\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\u303D-\u303F\u30A0\u30FB'
      '\U0001F000-\U0001FAFF]+',
    ' ', 'g');
END $$;

-- The text with the parts of each word joined, `t-shirt` as `tshirt` and `1,000` as `1000`; null if no
-- word has parts.
CREATE FUNCTION joined_text(folded text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  -- Between letters or digits, which are all but the controls and signs of ASCII; or before thousands.
  joints constant text :=
    '(?<=[^\x01-/:-@[-`{-\x7F])[''-](?=[^\x01-/:-@[-`{-\x7F])|(?<=\d)[ ,.](?=\d{3}(?!\d))';
BEGIN
  -- Most texts have no sign that could be a joint, and the longer expression takes more time.
  IF folded COLLATE "C" !~ '[''-]|\d[ ,.]\d{3}' THEN RETURN NULL; END IF;
  RETURN nullif(regexp_replace(folded COLLATE "C", joints, '', 'g'), folded);
END $$;

-- Text in which nothing but spaces separates words: the parser would take other signs for parts of
-- addresses, tags and numbers.
CREATE FUNCTION separated_text(text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN regexp_replace(text COLLATE "C", '[-./@_:&=?#%~+*\\<>'']', ' ', 'g');

CREATE FUNCTION with_joined_text(folded text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN coalesce(folded || ' ' || joined_text(folded), folded);

-- The functions of the index are bound to those that they call: PostgreSQL builds an index without the
-- schemas of the search path, and would not find a name in the text of a function.
CREATE FUNCTION new_words_of_product(name text, description text) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('simple', separated_text(with_joined_text(folded_text(name || ' ' || description))));

-- All words of a text, the last of which may be the start of a word. Null if the text has no word.
CREATE FUNCTION search_of_text(text text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (nullif(plainto_tsquery('simple', separated_text(text))::text, '') || ':*')::tsquery;

-- The words of a search, as they are or with their parts joined. Null, which finds nothing, if the search
-- has no word.
CREATE FUNCTION new_search_of_words(search text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN coalesce(
    search_of_text(folded_text(search)) || search_of_text(joined_text(folded_text(search))),
    search_of_text(folded_text(search)));
