-- Find foreign keys of other tables that refer to these; a rename would take them along to the backup.
-- kind: read
-- needs: some privilege on the tables that have them
-- values: schema, tables
SELECT DISTINCT TABLE_SCHEMA AS table_schema, TABLE_NAME AS table_name, CONSTRAINT_NAME AS name,
  REFERENCED_TABLE_NAME AS referenced
FROM information_schema.KEY_COLUMN_USAGE
WHERE REFERENCED_TABLE_SCHEMA = :schema AND REFERENCED_TABLE_NAME IN :tables
