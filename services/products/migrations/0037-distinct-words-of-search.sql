-- A repeated word of a search is read once: each takes a scan of its rows, and so does each part of a word
-- such as `t-shirt`.

-- All words of a text, the last of which may be the start of a word. Null if the text has no word.
CREATE OR REPLACE FUNCTION search_of_text(text text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (
    SELECT string_agg(
      quote_literal(lexeme) || CASE WHEN positions = ARRAY[end_position] THEN ':*' ELSE '' END, ' & '
    )::tsquery
    FROM (
      SELECT lexeme, positions, max(positions[array_upper(positions, 1)]) OVER () AS end_position
      FROM unnest(to_tsvector('simple', separated_text(text)))
    ) words
  );
