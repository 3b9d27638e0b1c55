-- Whether a partition has a row.
-- kind: read
-- needs: SELECT
-- names: table, partition
SELECT EXISTS (SELECT 1 FROM {table} PARTITION ({partition})) AS found
