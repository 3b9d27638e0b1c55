-- Drop a partition that is empty.
-- kind: write
-- needs: ALTER and DROP on the table
-- locks: the table, for a moment
-- algorithm: inplace
-- names: table, partition
ALTER TABLE {table} DROP PARTITION {partition}
