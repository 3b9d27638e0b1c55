-- Read the sessions whose DDL in the schema waits for transactions to end, the longest first.
-- kind: read
-- needs: SELECT ON mysql.*
-- values: schema
SELECT DISTINCT
  p.ID AS id, p.USER AS user, p.HOST AS host, p.TIME AS seconds, LEFT(p.INFO, 300) AS statement,
  'waits for transactions that have used the table' AS state
FROM mysql.tidb_mdl_view AS w
JOIN information_schema.CLUSTER_PROCESSLIST AS p ON p.INFO = w.query
WHERE w.db_name = :schema AND p.ID <> CONNECTION_ID()
ORDER BY seconds DESC
LIMIT 20
