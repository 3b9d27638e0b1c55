-- Count rows of a range whose parent isn't there.
-- kind: check
-- needs: SELECT on the table and the parent
-- names: shadow, key_columns, column, parent, parent_key
-- values: first, last
SELECT COUNT(*) AS n FROM {shadow} AS c LEFT JOIN {parent} AS p ON p.{parent_key} = c.{column}
 WHERE c.{key_columns} > :first AND c.{key_columns} <= :last AND c.{column} IS NOT NULL AND p.{parent_key} IS NULL
