-- Read the oldest open transactions on all tidb-servers: a DDL waits for those that have used its table.
-- A transaction's ID is the time of its begin in milliseconds, and 18 more bits.
-- kind: read
-- needs: PROCESS ON *.*
SELECT
  x.SESSION_ID AS id, x.USER AS user, COALESCE(p.HOST, x.INSTANCE) AS host,
  FLOOR(UNIX_TIMESTAMP(NOW(6)) - (x.ID >> 18) / 1000) AS seconds,
  LEFT(COALESCE(p.INFO, x.CURRENT_SQL_DIGEST_TEXT), 300) AS statement,
  x.MEM_BUFFER_KEYS AS rows_modified
FROM information_schema.CLUSTER_TIDB_TRX AS x
LEFT JOIN information_schema.CLUSTER_PROCESSLIST AS p ON p.ID = x.SESSION_ID
WHERE x.SESSION_ID NOT IN (0, CONNECTION_ID())
ORDER BY x.ID
LIMIT 5
