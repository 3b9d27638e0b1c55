-- Read a table's partitions with their bounds, and rows and bytes as the optimizer's statistics have them.
-- `file` is the partition as it is written in the name of its file.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: -
-- values: schema, table
SELECT
  PARTITION_NAME AS name,
  MIN(PARTITION_METHOD) AS method,
  MIN(PARTITION_EXPRESSION) AS expression,
  MIN(PARTITION_DESCRIPTION) AS bound,
  LOWER(CONVERT(CAST(CONVERT(PARTITION_NAME USING filename) AS BINARY) USING utf8mb4)) AS file,
  SUM(TABLE_ROWS) AS estimated_rows,
  SUM(DATA_LENGTH) AS data_bytes,
  SUM(INDEX_LENGTH) AS index_bytes
FROM information_schema.PARTITIONS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table AND PARTITION_NAME IS NOT NULL
GROUP BY PARTITION_NAME, PARTITION_ORDINAL_POSITION
ORDER BY PARTITION_ORDINAL_POSITION
