-- Read how many bytes each index takes once compacted. An index is a table of its own, named after its table's number.
-- kind: read
-- needs: SELECT ON oceanbase.*
-- names: -
-- values: schema, tables
SELECT
  t.TABLE_NAME AS name,
  SUBSTRING(i.TABLE_NAME, CHAR_LENGTH(t.TABLE_ID) + 8) AS index_name,
  i.OCCUPY_SIZE AS bytes
FROM oceanbase.DBA_OB_TABLE_SPACE_USAGE AS t
JOIN oceanbase.DBA_OB_TABLE_SPACE_USAGE AS i
  ON i.DATABASE_NAME = t.DATABASE_NAME
  AND SUBSTRING_INDEX(SUBSTRING(i.TABLE_NAME, 7), '_', 1) = t.TABLE_ID
  AND LEFT(i.TABLE_NAME, 6) = '__idx_'
WHERE t.DATABASE_NAME = :schema AND t.TABLE_NAME IN :tables
