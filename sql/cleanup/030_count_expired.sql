-- Count the expired rows along their index.
-- kind: read
-- needs: SELECT on user_product_interactions
-- values: cutoff
SELECT COUNT(*) AS n FROM user_product_interactions FORCE INDEX (idx_timestamp) WHERE `timestamp` < :cutoff
