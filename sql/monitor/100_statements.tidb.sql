-- Read the statements on the tables that took the most time in all, in seconds, without their values: on all tidb-servers,
-- for as long as they keep a history of it.
-- Left out: what creates, shows, grants or explains a table, and what monitor itself reads (rlops_count and so on).
-- kind: read
-- needs: PROCESS ON *.*
-- names: -
-- values: schema
SELECT
  LEFT(MAX(DIGEST_TEXT), 1000) AS statement,
  SUM(EXEC_COUNT) AS executions,
  SUM(SUM_LATENCY) / 1e9 AS total_seconds,
  SUM(SUM_LATENCY) / SUM(EXEC_COUNT) / 1e9 AS mean_seconds,
  MAX(MAX_LATENCY) / 1e9 AS max_seconds,
  NULL AS p95_seconds,
  NULL AS p99_seconds,
  ROUND(SUM(AVG_PROCESSED_KEYS * EXEC_COUNT)) AS rows_examined,
  ROUND(SUM(AVG_RESULT_ROWS * EXEC_COUNT)) AS rows_sent,
  ROUND(SUM(AVG_AFFECTED_ROWS * EXEC_COUNT)) AS rows_affected,
  NULL AS scans,
  MIN(FIRST_SEEN) AS first_seen,
  MAX(LAST_SEEN) AS last_seen
FROM (
  SELECT * FROM information_schema.CLUSTER_STATEMENTS_SUMMARY
  UNION ALL SELECT * FROM information_schema.CLUSTER_STATEMENTS_SUMMARY_HISTORY
) AS seen
WHERE
  SCHEMA_NAME = :schema
  AND (
    DIGEST_TEXT LIKE '%`user_product_interactions`%'
    OR DIGEST_TEXT LIKE '%`rl_model_metadata`%'
    OR DIGEST_TEXT LIKE '%`user_context_features`%'
  )
  AND STMT_TYPE IN ('Select', 'Insert', 'Replace', 'Update', 'Delete')
  AND DIGEST_TEXT NOT LIKE '%`rlops\_%'
GROUP BY DIGEST
ORDER BY total_seconds DESC
LIMIT 300
