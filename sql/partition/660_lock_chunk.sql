-- Lock the rows of a chunk against writers, all of them before the first is copied, and none while another holds one:
-- whoever never waits while it holds locks is in no deadlock. The copy would wait for a gap too, a second at least, where a
-- writer holds the row that follows in the other table (in each of its partitions) and with it the gap before it, as InnoDB
-- has it at a page's first row and where a page was split: that row is locked as well.
-- kind: read
-- needs: SELECT on both tables
-- names: table, shadow, key_columns
-- values: first, last
SELECT COUNT(*) AS n,
       (SELECT {key_columns} FROM {shadow} FORCE INDEX (PRIMARY)
         WHERE {key_columns} > :last ORDER BY {key_columns} LIMIT 1 FOR SHARE NOWAIT) AS following
  FROM {table} FORCE INDEX (PRIMARY)
 WHERE {key_columns} > :first AND {key_columns} <= :last FOR SHARE NOWAIT
