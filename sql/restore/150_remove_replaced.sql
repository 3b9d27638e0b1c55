-- Remove the live rows that the same transaction has kept in a table of their own, for the backup's rows to take their place.
-- kind: destroy
-- needs: DELETE on the table, SELECT on the backup
-- locks: those rows
-- names: table, backup, key, condition
-- values: after, upto
DELETE l FROM {table} AS l
WHERE EXISTS (SELECT 1 FROM {backup} AS b WHERE b.{key} > :after AND b.{key} <= :upto AND {condition})
