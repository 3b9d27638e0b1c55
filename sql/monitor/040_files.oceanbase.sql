-- Read the disk space of the tables and their indexes in bytes. Rows that are still in memory are not in it.
-- An index is a table of its own, named after its table's number.
-- kind: read
-- needs: SELECT ON oceanbase.*
-- names: -
-- values: schema, tables
SELECT
  t.TABLE_NAME AS name,
  NULL AS part,
  MAX(t.OCCUPY_SIZE) AS data_bytes,
  COALESCE(SUM(i.OCCUPY_SIZE), 0) AS index_bytes,
  MAX(t.REQUIRED_SIZE) + COALESCE(SUM(i.REQUIRED_SIZE), 0) AS file_bytes,
  1 AS files
FROM oceanbase.DBA_OB_TABLE_SPACE_USAGE AS t
LEFT JOIN oceanbase.DBA_OB_TABLE_SPACE_USAGE AS i
  ON i.DATABASE_NAME = t.DATABASE_NAME
  AND SUBSTRING_INDEX(SUBSTRING(i.TABLE_NAME, 7), '_', 1) = t.TABLE_ID
  AND LEFT(i.TABLE_NAME, 6) = '__idx_'
WHERE t.DATABASE_NAME = :schema AND t.TABLE_NAME IN :tables
GROUP BY t.TABLE_NAME
