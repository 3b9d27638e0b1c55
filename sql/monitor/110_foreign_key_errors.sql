-- Read how often a foreign key refused a row or a delete, on the whole server; INSERT IGNORE counts too.
-- kind: read
-- needs: SELECT ON performance_schema.*
SELECT ERROR_NUMBER AS number, SUM_ERROR_RAISED AS raised, LAST_SEEN AS last_seen
FROM performance_schema.events_errors_summary_global_by_error
WHERE ERROR_NUMBER IN (1451, 1452)
ORDER BY ERROR_NUMBER
