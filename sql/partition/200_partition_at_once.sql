-- Drop the foreign keys, widen the primary key and partition, all in one statement, which MySQL takes.
-- kind: write
-- needs: ALTER, CREATE and INSERT on the table
-- locks: the table's writers for the whole copy, its parents for a moment
-- algorithm: copy
-- names: table, changes, key_columns, column, partitions
ALTER TABLE {table} {changes}, DROP PRIMARY KEY, ADD PRIMARY KEY ({key_columns})
  PARTITION BY RANGE COLUMNS ({column}) ({partitions})
