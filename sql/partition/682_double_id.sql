-- An id of a range that is there more than once, as it can be in a table whose primary key has the timestamp too.
-- kind: read
-- needs: SELECT
-- names: table, key_columns
-- values: first, last
SELECT {key_columns} AS id
  FROM {table}
 WHERE {key_columns} > :first AND {key_columns} <= :last
 GROUP BY {key_columns} HAVING COUNT(*) > 1
 ORDER BY id LIMIT 1
