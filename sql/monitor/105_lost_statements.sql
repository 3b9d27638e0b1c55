-- Read how many statements the full digest table had no room for, of all schemas, and since when.
-- kind: read
-- needs: SELECT ON performance_schema.*
SELECT SUM(COUNT_STAR) AS lost, MIN(FIRST_SEEN) AS since
FROM performance_schema.events_statements_summary_by_digest
WHERE DIGEST IS NULL
