-- Count the rows of one partition that are of that moment or later, and stop at a limit.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, partition, column
-- values: first, limit
SELECT COUNT(*) AS rlops_count
FROM (SELECT 1 FROM {table} PARTITION ({partition}) WHERE {column} >= :first LIMIT :limit) AS bounded
