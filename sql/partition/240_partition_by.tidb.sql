-- Partition by month a table whose primary key has the timestamp.
-- kind: write
-- needs: ALTER, CREATE and INSERT on the table
-- locks: nothing; writers go on while the rows are copied
-- algorithm: copy
-- names: table, column, partitions
ALTER TABLE {table} PARTITION BY RANGE COLUMNS ({column}) ({partitions})
