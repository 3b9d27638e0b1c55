-- Find the row that ends the next page of one user's or product's rows, along (parent, timestamp, id); reads the index alone.
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: column, key
-- values: parent, last_timestamp, last_id, until, until_id, skip
SELECT `timestamp`, `id`
FROM user_product_interactions FORCE INDEX ({key})
WHERE {column} = :parent
  AND `timestamp` >= :last_timestamp AND `timestamp` <= :until
  AND (`timestamp` > :last_timestamp OR `id` > :last_id)
  AND (`timestamp` < :until OR `id` <= :until_id)
ORDER BY `timestamp`, `id`
LIMIT 1 OFFSET :skip
