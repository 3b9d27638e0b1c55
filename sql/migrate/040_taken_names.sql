-- Find foreign keys of the schema that have one of these names already.
-- kind: check
-- needs: some privilege on the table that has it
-- values: schema, names
SELECT CONSTRAINT_NAME AS name, TABLE_NAME AS table_name
FROM information_schema.TABLE_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = :schema AND CONSTRAINT_TYPE = 'FOREIGN KEY' AND CONSTRAINT_NAME IN :names
