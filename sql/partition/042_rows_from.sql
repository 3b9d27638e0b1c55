-- How many rows of a partition are of that moment or later, up to a limit.
-- kind: read
-- needs: SELECT
-- names: table, partition, column
-- values: first, limit
SELECT COUNT(*) AS n FROM (SELECT 1 FROM {table} PARTITION ({partition}) WHERE {column} >= :first LIMIT :limit) AS rlops_rows
