-- From one statement to the next, all nodes search for the new words in the new index: a search that
-- looked for new words in the old index, or for old ones in the new index, would not find some products.
-- Nodes of the previous version use the same names, and so do their prepared statements, which
-- PostgreSQL analyses again when an index of their table is dropped.
-- lint-ignore drop-object: the next statements give the names to other functions
-- lint-ignore rename-object: nobody uses the new functions by their first names
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX products_by_words;
DROP FUNCTION words_of_product, search_of_words, plain_words;

ALTER INDEX products_by_new_words RENAME TO products_by_words;
ALTER FUNCTION new_words_of_product RENAME TO words_of_product;
ALTER FUNCTION new_search_of_words RENAME TO search_of_words;
