-- Copy one range of a backup's rows.
-- kind: write
-- needs: SELECT on the backup, INSERT on the copy
-- locks: the rows of the backup, which nobody uses
-- names: copy, backup, columns, key
-- values: after, upto
INSERT INTO {copy} ({columns})
SELECT {columns} FROM {backup} WHERE {key} > :after AND {key} <= :upto
