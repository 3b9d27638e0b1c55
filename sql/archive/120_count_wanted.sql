-- Count a table's rows, and those that are to be erased.
-- kind: read
-- needs: SELECT on the table and the parents
-- names: table, condition
SELECT COUNT(*) AS row_count, COALESCE(SUM({condition}), 0) AS wanted FROM {table} AS b
