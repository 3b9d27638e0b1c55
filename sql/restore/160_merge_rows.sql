-- Bring one range of a backup's rows into the live table, with their ids; the backup keeps them too.
-- kind: write
-- needs: SELECT on the backup, INSERT on the table
-- locks: the new rows, and their parents for as long as the foreign keys are checked
-- names: table, backup, columns, key, condition
-- values: after, upto
INSERT INTO {table} ({columns})
SELECT {columns} FROM {backup} AS b WHERE b.{key} > :after AND b.{key} <= :upto AND {condition}
