-- Find the next interactions of one user or product along (parent, timestamp, id).
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: column, key
-- values: parent, last_timestamp, last_id, limit
SELECT `id`, `timestamp`
FROM user_product_interactions FORCE INDEX ({key})
WHERE {column} = :parent
  AND `timestamp` >= :last_timestamp
  AND (`timestamp` > :last_timestamp OR `id` > :last_id)
ORDER BY `timestamp`, `id`
LIMIT :limit
