-- Find rows of the hold table before its month, or behind where the parts that archived it end.
-- kind: read
-- needs: SELECT on the hold table
-- names: hold
-- values: since, last_timestamp, last_id, limit
SELECT `id`
FROM {hold} FORCE INDEX (idx_timestamp)
WHERE `timestamp` < :since
   OR (`timestamp` >= :last_timestamp AND (`timestamp` > :last_timestamp OR `id` > :last_id))
ORDER BY `timestamp`, `id`
LIMIT :limit
