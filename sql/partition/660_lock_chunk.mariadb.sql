-- Lock the rows of a chunk against writers, all of them before the first is copied, and none while another holds one:
-- whoever never waits while it holds locks is in no deadlock.
-- kind: read
-- needs: SELECT
-- names: table, key_columns
-- values: first, last
SELECT COUNT(*) AS n FROM {table} FORCE INDEX (PRIMARY)
 WHERE {key_columns} > :first AND {key_columns} <= :last LOCK IN SHARE MODE NOWAIT
