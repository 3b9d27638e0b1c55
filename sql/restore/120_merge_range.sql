-- Count one range of a backup's rows that meet a condition.
-- kind: check
-- needs: SELECT on the backup, the table and its parents
-- names: backup, key, condition
-- values: after, upto
SELECT COUNT(*) AS row_count FROM {backup} AS b WHERE b.{key} > :after AND b.{key} <= :upto AND {condition}
