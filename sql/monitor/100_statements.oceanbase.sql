-- Read the statements on the tables that took the most time in all, in seconds: those still in the plan cache.
-- Left out: what monitor itself reads (rlops_count and so on), and what ANALYZE runs.
-- kind: read
-- needs: SELECT ON oceanbase.*
-- names: -
-- values: schema
SELECT
  LEFT(p.STATEMENT, 1000) AS statement,
  p.EXECUTIONS AS executions,
  p.ELAPSED_TIME / 1e6 AS total_seconds,
  p.AVG_EXE_USEC / 1e6 AS mean_seconds,
  p.SLOWEST_EXE_USEC / 1e6 AS max_seconds,
  NULL AS p95_seconds,
  NULL AS p99_seconds,
  NULL AS rows_examined,
  p.ROWS_PROCESSED AS rows_sent,
  NULL AS rows_affected,
  NULL AS scans,
  CONVERT_TZ(p.FIRST_LOAD_TIME, @@GLOBAL.time_zone, '+00:00') AS first_seen,
  CONVERT_TZ(p.LAST_ACTIVE_TIME, @@GLOBAL.time_zone, '+00:00') AS last_seen
FROM oceanbase.V$OB_PLAN_CACHE_PLAN_STAT AS p
JOIN oceanbase.__all_database AS d ON d.database_id = p.DB_ID AND d.database_name = :schema
WHERE
  (
    p.STATEMENT LIKE '%user\_product\_interactions%'
    OR p.STATEMENT LIKE '%rl\_model\_metadata%'
    OR p.STATEMENT LIKE '%user\_context\_features%'
  )
  AND p.STATEMENT NOT LIKE '%rlops\_%'
  AND p.STATEMENT NOT LIKE 'EXPLAIN %'
  AND p.STATEMENT NOT LIKE '%DBMS\_STATS%'
ORDER BY p.ELAPSED_TIME DESC
LIMIT 300
