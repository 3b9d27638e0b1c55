-- Find rows of a short range of ids whose parent is gone: one look at the parent's key a row, all in one snapshot.
-- OceanBase trusts a foreign key, even one that was loaded with checks off, and answers "none" without looking; the
-- `+ 0` hides it. The hints keep it from reading the whole parent for each range.
-- kind: check
-- needs: SELECT on the table and on the parent
-- names: table, column, parent, parent_key
-- values: since, until
SELECT /*+ LEADING(child parent) USE_NL(parent) */ child.id AS id, child.{column} AS value
FROM {table} AS child
LEFT JOIN {parent} AS parent ON parent.{parent_key} = child.{column} + 0
WHERE child.id BETWEEN :since AND :until AND child.{column} IS NOT NULL AND parent.{parent_key} IS NULL
