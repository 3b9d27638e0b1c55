-- Keep changes of the table away until the transaction ends: it has read no row, and holds the metadata lock.
-- kind: read
-- needs: SELECT on user_product_interactions
SELECT `id` FROM user_product_interactions LIMIT 0
