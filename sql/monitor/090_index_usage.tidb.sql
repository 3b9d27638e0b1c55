-- Read how many rows were read through each index on all tidb-servers. A server's restart starts its own at zero.
-- kind: read
-- needs: PROCESS ON *.*
-- names: -
-- values: schema, tables
SELECT TABLE_NAME AS table_name, INDEX_NAME AS index_name, SUM(ROWS_ACCESS_TOTAL) AS rows_read
FROM information_schema.CLUSTER_TIDB_INDEX_USAGE
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME IN :tables
GROUP BY TABLE_NAME, INDEX_NAME
