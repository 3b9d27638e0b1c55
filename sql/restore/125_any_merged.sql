-- Find one row of those that a merge has brought in: it is the newest that is still there, and none where all are gone.
-- kind: check
-- needs: SELECT on the backup and the table
-- names: backup, key, condition
-- values: upto
SELECT b.{key} AS id FROM {backup} AS b WHERE b.{key} <= :upto AND {condition} ORDER BY b.{key} DESC LIMIT 1
