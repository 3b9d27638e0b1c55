-- Keep live rows whose place the backup's rows of one range are going to take in a table of their own.
-- kind: write
-- needs: SELECT on the table and the backup, INSERT on the table for what is replaced
-- locks: those rows
-- names: set_aside, table, backup, columns, key, condition
-- values: after, upto
INSERT INTO {set_aside} ({columns})
SELECT {columns} FROM {table} AS l
WHERE EXISTS (SELECT 1 FROM {backup} AS b WHERE b.{key} > :after AND b.{key} <= :upto AND {condition})
