-- Foreign keys that refer to these tables, from any schema, and those of these tables themselves, with what they do on a deletion.
-- Those of other schemas are shown to who holds some privilege on the table that has them.
-- kind: read
-- needs: some privilege on the tables
-- values: schema, tables
SELECT CONSTRAINT_SCHEMA AS child_schema, TABLE_NAME AS child, REFERENCED_TABLE_NAME AS parent,
       UNIQUE_CONSTRAINT_SCHEMA AS parent_schema, CONSTRAINT_NAME AS name, DELETE_RULE AS on_delete, UPDATE_RULE AS on_update
  FROM information_schema.REFERENTIAL_CONSTRAINTS
 WHERE (UNIQUE_CONSTRAINT_SCHEMA = :schema AND REFERENCED_TABLE_NAME IN :tables)
    OR (CONSTRAINT_SCHEMA = :schema AND TABLE_NAME IN :tables)
