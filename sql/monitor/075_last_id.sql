-- Read a table's least and greatest id, from both ends of the primary key.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table
-- values: -
SELECT MIN(id) AS rlops_first, MAX(id) AS last FROM {table} FORCE INDEX (PRIMARY)
