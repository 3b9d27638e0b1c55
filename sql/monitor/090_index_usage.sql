-- Read how many rows were read through each index. A restart, and any DDL on a table's indexes, starts at zero.
-- kind: read
-- needs: SELECT ON performance_schema.*
-- names: -
-- values: schema, tables
SELECT OBJECT_NAME AS table_name, INDEX_NAME AS index_name, COUNT_FETCH AS rows_read
FROM performance_schema.table_io_waits_summary_by_index_usage
WHERE OBJECT_TYPE = 'TABLE' AND OBJECT_SCHEMA = :schema AND OBJECT_NAME IN :tables AND INDEX_NAME IS NOT NULL
