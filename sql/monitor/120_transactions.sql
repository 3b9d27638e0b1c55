-- Read the oldest open transactions of the server: each holds back purge, and its locks. trx_started is local time.
-- kind: read
-- needs: PROCESS ON *.*
SELECT
  p.ID AS id, p.USER AS user, p.HOST AS host,
  TIMESTAMPDIFF(SECOND, x.trx_started, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM')) AS seconds,
  LEFT(COALESCE(p.INFO, x.trx_query), 300) AS statement,
  x.trx_rows_modified AS rows_modified
FROM information_schema.INNODB_TRX AS x
JOIN information_schema.PROCESSLIST AS p ON p.ID = x.trx_mysql_thread_id
WHERE p.ID <> CONNECTION_ID()
ORDER BY x.trx_started
LIMIT 5
