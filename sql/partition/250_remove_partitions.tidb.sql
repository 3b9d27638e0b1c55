-- Take the partitions away.
-- kind: write
-- needs: ALTER, CREATE and INSERT on the table
-- locks: nothing; writers go on while the rows are copied
-- algorithm: copy
-- names: table
ALTER TABLE {table} REMOVE PARTITIONING
