-- Count the interactions of one user or product that no month of an archive holds, along their index.
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: column, key
-- values: parent, since, until
SELECT COUNT(*) AS n
FROM user_product_interactions FORCE INDEX ({key})
WHERE {column} = :parent AND (`timestamp` < :since OR `timestamp` >= :until)
