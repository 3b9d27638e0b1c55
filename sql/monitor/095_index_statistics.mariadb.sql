-- Read how many rows were read through each index since userstat was switched on, or FLUSH INDEX_STATISTICS.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: -
-- values: schema, tables
SELECT TABLE_NAME AS table_name, INDEX_NAME AS index_name, ROWS_READ AS rows_read
FROM information_schema.INDEX_STATISTICS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME IN :tables
