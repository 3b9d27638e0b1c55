-- Find the sessions that hold a lock on one of these tables; needs the plugin metadata_lock_info.
-- kind: read
-- needs: PROCESS, and INSTALL SONAME 'metadata_lock_info'
-- values: schema, tables
SELECT DISTINCT
  p.ID AS id, p.USER AS user, p.HOST AS host, p.TIME AS seconds, p.INFO AS statement,
  COALESCE(NULLIF(m.TABLE_NAME, ''), LOWER(m.LOCK_TYPE)) AS object
FROM information_schema.METADATA_LOCK_INFO AS m
JOIN information_schema.PROCESSLIST AS p ON p.ID = m.THREAD_ID
WHERE p.ID <> CONNECTION_ID()
  AND p.TIME >= 1
  AND ((m.TABLE_SCHEMA = :schema AND m.TABLE_NAME IN :tables) OR m.LOCK_MODE = 'MDL_BACKUP_FTWRL2')
ORDER BY seconds DESC
