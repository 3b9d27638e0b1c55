-- Find the sessions whose open transaction has used one of these tables: a DDL waits for them without limit.
-- A transaction's ID is the time of its begin in milliseconds, and 18 more bits; its START_TIME is in no session's time zone.
-- kind: read
-- needs: PROCESS
-- values: schema, tables
SELECT DISTINCT
  x.SESSION_ID AS id, x.USER AS user, p.HOST AS host, FLOOR(UNIX_TIMESTAMP(NOW(6)) - (x.ID >> 18) / 1000) AS seconds,
  COALESCE(p.INFO, x.CURRENT_SQL_DIGEST_TEXT) AS statement, t.TABLE_NAME AS object
FROM information_schema.CLUSTER_TIDB_TRX AS x
JOIN information_schema.TABLES AS t ON FIND_IN_SET(t.TIDB_TABLE_ID, x.RELATED_TABLE_IDS)
LEFT JOIN information_schema.CLUSTER_PROCESSLIST AS p ON p.ID = x.SESSION_ID
WHERE t.TABLE_SCHEMA = :schema
  AND t.TABLE_NAME IN :tables
  AND x.SESSION_ID <> CONNECTION_ID()
  AND UNIX_TIMESTAMP(NOW(6)) - (x.ID >> 18) / 1000 >= 1
ORDER BY seconds DESC
