-- Take the partitions away and narrow the primary key again.
-- kind: write
-- needs: ALTER, CREATE and INSERT on the table
-- locks: the table's writers for the whole copy
-- algorithm: copy
-- names: table, key_columns
ALTER TABLE {table} DROP PRIMARY KEY, ADD PRIMARY KEY ({key_columns}) REMOVE PARTITIONING
