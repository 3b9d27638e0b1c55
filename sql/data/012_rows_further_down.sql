-- Find where the next rows down from an id begin, and how many they are.
-- kind: check
-- needs: SELECT on the table
-- names: table
-- values: last_id, limit
SELECT MIN(id) AS first_id, COUNT(*) AS row_count
  FROM (SELECT id FROM {table} WHERE id <= :last_id ORDER BY id DESC LIMIT :limit) AS rlops_rows
