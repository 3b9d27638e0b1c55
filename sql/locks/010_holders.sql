-- Find the sessions that have held a lock on one of these tables, or on the instance, for a second or more.
-- A prepared XA transaction whose session has ended holds its locks in the name of a thread that isn't there.
-- kind: read
-- needs: SELECT on performance_schema
-- values: schema, tables
SELECT DISTINCT
  t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, t.PROCESSLIST_HOST AS host, t.PROCESSLIST_TIME AS seconds,
  COALESCE(t.PROCESSLIST_INFO, s.SQL_TEXT) AS statement,
  COALESCE(m.OBJECT_NAME, LOWER(m.OBJECT_TYPE)) AS object
FROM performance_schema.metadata_locks AS m
LEFT JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID
LEFT JOIN performance_schema.events_statements_current AS s ON s.THREAD_ID = t.THREAD_ID
WHERE m.LOCK_STATUS = 'GRANTED'
  AND m.LOCK_DURATION <> 'STATEMENT'
  AND (t.THREAD_ID IS NULL OR (t.PROCESSLIST_ID <> CONNECTION_ID() AND t.PROCESSLIST_TIME >= 1))
  AND (
    (m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = :schema AND m.OBJECT_NAME IN :tables)
    OR (m.OBJECT_TYPE IN ('GLOBAL', 'BACKUP LOCK', 'COMMIT') AND m.LOCK_TYPE LIKE 'SHARED%')
  )
ORDER BY seconds DESC
