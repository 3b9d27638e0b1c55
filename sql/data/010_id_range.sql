-- Find the lowest and the highest id of a table: two looks at the primary key's ends.
-- kind: check
-- needs: SELECT on the table
-- names: table
SELECT MIN(id) AS first_id, MAX(id) AS last_id FROM {table}
