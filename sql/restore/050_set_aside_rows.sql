-- Copy rows whose user or product is gone into the set-aside table.
-- kind: write
-- needs: SELECT on the backup, INSERT on the set-aside table
-- locks: the rows
-- names: set_aside, backup, columns
-- values: ids
INSERT INTO {set_aside} ({columns}) SELECT {columns} FROM {backup} WHERE id IN :ids
