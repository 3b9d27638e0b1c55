-- Find the row that ends the next page, along (timestamp, id); reads the index alone.
-- kind: read
-- needs: SELECT on user_product_interactions
-- values: last_timestamp, last_id, until, until_id, skip
SELECT `timestamp`, `id`
FROM user_product_interactions FORCE INDEX (idx_timestamp)
WHERE `timestamp` >= :last_timestamp AND `timestamp` <= :until
  AND (`timestamp` > :last_timestamp OR `id` > :last_id)
  AND (`timestamp` < :until OR `id` <= :until_id)
ORDER BY `timestamp`, `id`
LIMIT 1 OFFSET :skip
