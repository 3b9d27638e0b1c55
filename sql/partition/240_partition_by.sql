-- Partition by month a table whose primary key has the timestamp. OceanBase takes no other change along, and keeps foreign keys.
-- kind: write
-- needs: ALTER on the table
-- locks: the table's writers for the whole copy
-- algorithm: copy
-- names: table, column, partitions
ALTER TABLE {table} PARTITION BY RANGE COLUMNS ({column}) ({partitions})
