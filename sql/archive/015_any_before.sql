-- Whether there is an interaction before a time, however odd its own is.
-- kind: read
-- needs: SELECT on user_product_interactions
-- values: until
SELECT EXISTS (
    SELECT 1 FROM user_product_interactions FORCE INDEX (idx_timestamp) WHERE `timestamp` < :until
) AS found
