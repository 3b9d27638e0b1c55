-- Foreign keys that refer to these tables from others, and those of these tables themselves, with what they do on a deletion.
-- kind: read
-- needs: some privilege on the tables
-- values: schema, tables
SELECT TABLE_NAME AS child, REFERENCED_TABLE_NAME AS parent, CONSTRAINT_NAME AS name, DELETE_RULE AS on_delete, UPDATE_RULE AS on_update
  FROM information_schema.REFERENTIAL_CONSTRAINTS
 WHERE CONSTRAINT_SCHEMA = :schema AND (REFERENCED_TABLE_NAME IN :tables OR TABLE_NAME IN :tables)
