-- The partitions of a table with their real bounds, in their order; names mean nothing.
-- kind: read
-- needs: some privilege on the table
-- values: schema, table
SELECT PARTITION_NAME AS name, PARTITION_METHOD AS method, PARTITION_EXPRESSION AS expression,
       PARTITION_DESCRIPTION AS bound, TABLE_ROWS AS estimated_rows, DATA_LENGTH + INDEX_LENGTH AS bytes
  FROM information_schema.PARTITIONS
 WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table AND PARTITION_NAME IS NOT NULL
 ORDER BY PARTITION_ORDINAL_POSITION
