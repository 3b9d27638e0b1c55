-- Read a table's partitions with their bounds, and rows and bytes as the optimizer's statistics have them.
-- TiDB has no file for a partition.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: -
-- values: schema, table
SELECT
  PARTITION_NAME AS name,
  MIN(PARTITION_METHOD) AS method,
  MIN(PARTITION_EXPRESSION) AS expression,
  MIN(PARTITION_DESCRIPTION) AS bound,
  LOWER(PARTITION_NAME) AS file,
  SUM(TABLE_ROWS) AS estimated_rows,
  SUM(DATA_LENGTH) AS data_bytes,
  SUM(INDEX_LENGTH) AS index_bytes
FROM information_schema.PARTITIONS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table AND PARTITION_NAME IS NOT NULL
GROUP BY PARTITION_NAME, PARTITION_ORDINAL_POSITION
ORDER BY PARTITION_ORDINAL_POSITION
