-- Count the interactions between two times, and stop at a limit.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, key
-- values: since, until, limit
SELECT COUNT(*) AS rlops_count
FROM (
  SELECT 1 FROM {table} FORCE INDEX ({key}) WHERE `timestamp` >= :since AND `timestamp` < :until LIMIT :limit
) AS bounded
