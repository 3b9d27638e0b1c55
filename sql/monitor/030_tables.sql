-- Read rows and sizes of the tables as the optimizer's statistics have them: estimates, in rows and bytes.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: -
-- values: schema, tables
SELECT
  TABLE_NAME AS name,
  TABLE_ROWS AS estimated_rows,
  DATA_LENGTH AS data_bytes,
  INDEX_LENGTH AS index_bytes,
  DATA_FREE AS free_bytes
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME IN :tables AND TABLE_TYPE <> 'VIEW'
