-- Count a table's rows. The index is one whose counters nobody draws conclusions from.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, key
-- values: -
SELECT COUNT(*) AS rlops_count FROM {table} FORCE INDEX ({key})
