-- Read the statements that were seen to write, to whatever table of the schema, since the server started, without their values.
-- kind: read
-- needs: SELECT ON performance_schema.*
-- values: schema
SELECT DIGEST_TEXT AS statement, COUNT_STAR AS executions, SUM_TIMER_WAIT / 1e12 AS total_seconds
  FROM performance_schema.events_statements_summary_by_digest
 WHERE SCHEMA_NAME = :schema AND DIGEST_TEXT REGEXP '^(DELETE|UPDATE|REPLACE|INSERT|WITH) ' AND DIGEST_TEXT NOT LIKE '%`rlops\_%'
 ORDER BY SUM_TIMER_WAIT DESC
