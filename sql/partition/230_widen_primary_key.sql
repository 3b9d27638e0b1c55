-- Put the timestamp into the primary key, as partitions by it demand (1503).
-- kind: write
-- needs: ALTER on the table
-- locks: the table's writers for the whole copy
-- algorithm: copy
-- names: table, key_columns
ALTER TABLE {table} DROP PRIMARY KEY, ADD PRIMARY KEY ({key_columns})
