-- Copy rows whose user or product is gone into the set-aside table.
-- kind: write
-- needs: SELECT on the backup, INSERT on the set-aside table
-- locks: the rows
-- names: set_aside, backup
-- values: ids
INSERT INTO {set_aside} SELECT * FROM {backup} WHERE id IN :ids
