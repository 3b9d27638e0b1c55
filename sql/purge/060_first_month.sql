-- Find one user's or product's first interaction at or after a time: one look along the index for each month.
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: column, key
-- values: parent, since, until
SELECT MIN(`timestamp`) AS first
FROM user_product_interactions FORCE INDEX ({key})
WHERE {column} = :parent AND `timestamp` >= :since AND `timestamp` < :until
