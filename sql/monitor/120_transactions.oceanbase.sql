-- Read the oldest open transactions of the server.
-- kind: read
-- needs: SELECT ON oceanbase.*
SELECT
  p.ID AS id, p.USER AS user, p.HOST AS host,
  TIMESTAMPDIFF(SECOND, x.ACTIVE_TIME, NOW(6)) AS seconds,
  LEFT(p.INFO, 300) AS statement,
  NULL AS rows_modified
FROM oceanbase.V$OB_TRANSACTION_SCHEDULERS AS x
JOIN oceanbase.V$OB_PROCESSLIST AS p ON p.ID = x.SESSION_ID
WHERE p.ID <> CONNECTION_ID()
ORDER BY x.ACTIVE_TIME
LIMIT 5
