-- Read rows and sizes of the tables as the optimizer's statistics have them: estimates, in rows and bytes.
-- `created` is the time of the last DDL on the table, which zeroes the counters of its indexes.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: -
-- values: schema, tables
SELECT
  TABLE_NAME AS name,
  TABLE_ROWS AS estimated_rows,
  DATA_LENGTH AS data_bytes,
  INDEX_LENGTH AS index_bytes,
  DATA_FREE AS free_bytes,
  CREATE_TIME AS created,
  AUTO_INCREMENT AS next_id
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME IN :tables AND TABLE_TYPE <> 'VIEW'
