-- Count a backup's rows that meet a condition: that their parent is gone, or that a live row has their unique key.
-- kind: check
-- needs: SELECT on the backup, the table and its parents
-- names: backup, condition
SELECT COUNT(*) AS row_count FROM {backup} AS b WHERE {condition}
