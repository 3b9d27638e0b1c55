-- Tables of any schema with a foreign key to this one, which is named as InnoDB names it (schema/table); whoever may see them.
-- kind: read
-- needs: PROCESS
-- values: table
SELECT FOR_NAME AS child, ID AS name
  FROM information_schema.INNODB_FOREIGN
 WHERE REF_NAME = :table
