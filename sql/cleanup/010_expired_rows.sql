-- Find the next expired rows along (timestamp, id).
-- kind: read
-- needs: SELECT on user_product_interactions
-- values: cutoff, last_timestamp, last_id, limit
SELECT `id`, `timestamp`
FROM user_product_interactions FORCE INDEX (idx_timestamp)
WHERE `timestamp` < :cutoff
  AND `timestamp` >= :last_timestamp
  AND (`timestamp` > :last_timestamp OR `id` > :last_id)
ORDER BY `timestamp`, `id`
LIMIT :limit
