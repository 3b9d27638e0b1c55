-- Widen the primary key and partition by month.
-- kind: write
-- needs: ALTER, CREATE and INSERT on the table
-- locks: the table's writers for the whole copy
-- algorithm: copy
-- names: table, key_columns, column, partitions
ALTER TABLE {table} DROP PRIMARY KEY, ADD PRIMARY KEY ({key_columns})
  PARTITION BY RANGE COLUMNS ({column}) ({partitions})
