-- Find the end of the next rows along the primary key.
-- kind: read
-- needs: SELECT on the table
-- names: table, key
-- values: after, limit
SELECT MAX(next_rows.{key}) AS upto
FROM (SELECT {key} FROM {table} WHERE {key} > :after ORDER BY {key} LIMIT :limit) AS next_rows
