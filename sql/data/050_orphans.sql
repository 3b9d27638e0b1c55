-- Find rows of a short range of ids whose parent is gone: one look at the parent's key a row, all in one snapshot.
-- kind: check
-- needs: SELECT on the table and on the parent
-- names: table, column, parent, parent_key
-- values: since, until
SELECT child.id AS id, child.{column} AS value
FROM {table} AS child
LEFT JOIN {parent} AS parent ON parent.{parent_key} = child.{column}
WHERE child.id BETWEEN :since AND :until AND child.{column} IS NOT NULL AND parent.{parent_key} IS NULL
