-- How many rows a partition has.
-- kind: read
-- needs: SELECT
-- names: table, partition
SELECT COUNT(*) AS n FROM {table} PARTITION ({partition})
