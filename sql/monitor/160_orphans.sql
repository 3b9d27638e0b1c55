-- Count, among some rows from an id on, those whose parent is gone.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, column, parent, parent_key
-- values: since, limit
SELECT COUNT(*) AS rlops_count, MAX(child.id) AS reached, SUM(child.value IS NOT NULL AND parent.{parent_key} IS NULL) AS orphans
FROM (
  SELECT id, {column} AS value FROM {table} FORCE INDEX (PRIMARY) WHERE id >= :since ORDER BY id LIMIT :limit
) AS child
LEFT JOIN {parent} AS parent ON parent.{parent_key} = child.value
