-- List the users or products that a table's rows name and that are gone.
-- kind: read
-- needs: SELECT on the table and the parents
-- names: table, column, condition
SELECT DISTINCT b.{column} AS id FROM {table} AS b WHERE {condition}
