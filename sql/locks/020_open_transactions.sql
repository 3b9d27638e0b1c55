-- Find open transactions of a second or more: who may hold the lock, where the locks themselves can't be seen.
-- kind: read
-- needs: PROCESS
SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.TIME AS seconds, COALESCE(p.INFO, x.trx_query) AS statement, 'unknown' AS object
FROM information_schema.INNODB_TRX AS x
JOIN information_schema.PROCESSLIST AS p ON p.ID = x.trx_mysql_thread_id
WHERE p.ID <> CONNECTION_ID() AND p.TIME >= 1
ORDER BY p.TIME DESC
