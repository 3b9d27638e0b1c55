-- Add months behind the last one, where there is no catch-all.
-- kind: write
-- needs: ALTER, CREATE on the table
-- locks: the table, for a moment
-- algorithm: inplace
-- names: table, partitions
ALTER TABLE {table} ADD PARTITION ({partitions})
