-- Lock the row that follows a chunk in the other table, in each of its partitions.
-- Not while a writer holds it, and with it the gap before it, as InnoDB has it at a page's first row and where a page was split:
-- the copy would wait for that gap.
-- kind: read
-- needs: SELECT
-- names: shadow, key_columns
-- values: last
SELECT {key_columns} FROM {shadow} FORCE INDEX (PRIMARY) WHERE {key_columns} > :last ORDER BY {key_columns} LIMIT 1 FOR SHARE NOWAIT
