-- Count the rows of a month along their index.
-- kind: read
-- needs: SELECT on user_product_interactions
-- values: since, until
SELECT COUNT(*) AS n FROM user_product_interactions FORCE INDEX (idx_timestamp)
WHERE `timestamp` >= :since AND `timestamp` < :until
