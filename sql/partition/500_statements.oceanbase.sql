-- Read the statements on the interactions whose plans are still in the cache, without their values.
-- kind: read
-- needs: SELECT ON oceanbase.*
-- values: schema, like
SELECT p.STATEMENT AS statement, p.EXECUTIONS AS executions, p.ELAPSED_TIME / 1e6 AS total_seconds
  FROM oceanbase.V$OB_PLAN_CACHE_PLAN_STAT AS p
  JOIN oceanbase.__all_database AS d ON d.database_id = p.DB_ID AND d.database_name = :schema
 WHERE p.STATEMENT LIKE :like AND p.STATEMENT NOT LIKE '%rlops\_%'
 ORDER BY p.ELAPSED_TIME DESC
 LIMIT 1000
