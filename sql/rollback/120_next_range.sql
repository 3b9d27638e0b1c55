-- Find the end of the next rows along the primary key.
-- kind: read
-- needs: SELECT on the backup
-- names: backup, key
-- values: after, limit
SELECT MAX(next_rows.{key}) AS upto
FROM (SELECT {key} FROM {backup} WHERE {key} > :after ORDER BY {key} LIMIT :limit) AS next_rows
