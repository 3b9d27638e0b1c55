-- Remove from the backup the rows that the same transaction has set aside.
-- kind: write
-- needs: DELETE on the backup
-- locks: the rows
-- names: backup
-- values: ids
DELETE FROM {backup} WHERE id IN :ids
