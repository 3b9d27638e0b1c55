-- List the parents that a range of rows names.
-- kind: read
-- needs: SELECT on the table
-- names: table, key, column
-- values: after, upto
SELECT DISTINCT {column} AS id FROM {table} WHERE {key} > :after AND {key} <= :upto
