-- The last id of each month in a chunk: no partition is shorter.
-- kind: read
-- needs: SELECT
-- names: table, condition, key_columns, time_column
SELECT MAX({key_columns}) AS last FROM {table} FORCE INDEX (PRIMARY) WHERE {condition}
 GROUP BY EXTRACT(YEAR_MONTH FROM {time_column})
