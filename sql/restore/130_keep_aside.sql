-- Keep rows of one range that can't be brought in (their parent is gone, or a live row has their key) in a table of their own.
-- kind: write
-- needs: SELECT on the backup, INSERT on the table for what is set aside
-- locks: nothing of the shop's
-- names: set_aside, backup, columns, key, condition
-- values: after, upto
INSERT INTO {set_aside} ({columns})
SELECT {columns} FROM {backup} AS b WHERE b.{key} > :after AND b.{key} <= :upto AND {condition}
