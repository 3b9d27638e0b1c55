-- Find the first interaction at or after a time: one look along the index for each month.
-- kind: read
-- needs: SELECT on user_product_interactions
-- values: since, until
SELECT MIN(`timestamp`) AS first
FROM user_product_interactions FORCE INDEX (idx_timestamp)
WHERE `timestamp` >= :since AND `timestamp` < :until
