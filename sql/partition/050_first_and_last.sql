-- The first and the last timestamp, along the index.
-- kind: read
-- needs: SELECT
-- names: table, column
SELECT MIN({column}) AS first, MAX({column}) AS last FROM {table}
