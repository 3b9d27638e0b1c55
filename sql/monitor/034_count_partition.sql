-- Count the rows of one partition along the primary key, and stop at a limit.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, partition, key
-- values: limit
SELECT COUNT(*) AS rlops_count
FROM (SELECT 1 FROM {table} PARTITION ({partition}) FORCE INDEX ({key}) LIMIT :limit) AS bounded
