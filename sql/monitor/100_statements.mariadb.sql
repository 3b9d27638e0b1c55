-- Read the statements on the tables that took the most time in all, in seconds, without their values.
-- Left out: what creates, shows, grants or explains a table, and what monitor itself reads (rlops_count and so on).
-- kind: read
-- needs: SELECT ON performance_schema.*
-- names: -
-- values: schema
SELECT
  LEFT(DIGEST_TEXT, 1000) AS statement,
  COUNT_STAR AS executions,
  SUM_TIMER_WAIT / 1e12 AS total_seconds,
  AVG_TIMER_WAIT / 1e12 AS mean_seconds,
  MAX_TIMER_WAIT / 1e12 AS max_seconds,
  NULL AS p95_seconds,
  NULL AS p99_seconds,
  SUM_ROWS_EXAMINED AS rows_examined,
  SUM_ROWS_SENT AS rows_sent,
  SUM_ROWS_AFFECTED AS rows_affected,
  SUM_SELECT_SCAN + SUM_SELECT_FULL_JOIN AS scans,
  FIRST_SEEN AS first_seen,
  LAST_SEEN AS last_seen
FROM performance_schema.events_statements_summary_by_digest
WHERE
  SCHEMA_NAME = :schema
  AND (
    DIGEST_TEXT LIKE '%`user_product_interactions`%'
    OR DIGEST_TEXT LIKE '%`rl_model_metadata`%'
    OR DIGEST_TEXT LIKE '%`user_context_features`%'
  )
  AND DIGEST_TEXT NOT LIKE 'CREATE %'
  AND DIGEST_TEXT NOT LIKE 'SHOW %'
  AND DIGEST_TEXT NOT LIKE 'GRANT %'
  AND DIGEST_TEXT NOT LIKE 'EXPLAIN %'
  AND DIGEST_TEXT NOT LIKE '%`rlops\_%'
ORDER BY SUM_TIMER_WAIT DESC
LIMIT 300
