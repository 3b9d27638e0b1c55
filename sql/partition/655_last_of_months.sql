-- The last id of each month in a chunk: no partition is shorter.
-- kind: read
-- needs: SELECT
-- names: table, key_columns, time_column
-- values: first, last
SELECT MAX({key_columns}) AS last FROM {table} FORCE INDEX (PRIMARY)
 WHERE {key_columns} > :first AND {key_columns} <= :last
 GROUP BY EXTRACT(YEAR_MONTH FROM {time_column}) ORDER BY 1
