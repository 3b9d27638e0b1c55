-- Count the executions of statements that the server's record had no room for.
-- kind: read
-- needs: SELECT ON performance_schema.*
SELECT COALESCE(SUM(COUNT_STAR), 0) AS n
  FROM performance_schema.events_statements_summary_by_digest
 WHERE DIGEST IS NULL
