-- Find parents that a backup's rows name and that are gone: one look at each distinct value, along the key's index.
-- kind: check
-- needs: SELECT on the backup and the parent
-- names: backup, column, parent, parent_key
-- values: limit
SELECT seen.value AS value
FROM (SELECT DISTINCT {column} AS value FROM {backup} WHERE {column} IS NOT NULL) AS seen
LEFT JOIN {parent} AS parent ON parent.{parent_key} = seen.value
WHERE parent.{parent_key} IS NULL
ORDER BY seen.value
LIMIT :limit
