-- Hash the next rows of a range of the hold table, one by one.
-- kind: read
-- needs: SELECT on the hold table
-- names: hold, digest
-- values: last_timestamp, last_id, until, until_id, limit
SELECT `timestamp`, `id`, {digest} AS digest
FROM {hold} FORCE INDEX (idx_timestamp)
WHERE `timestamp` >= :last_timestamp AND `timestamp` <= :until
  AND (`timestamp` > :last_timestamp OR `id` > :last_id)
  AND (`timestamp` < :until OR `id` <= :until_id)
ORDER BY `timestamp`, `id`
LIMIT :limit
