-- Give the table a foreign key again. Every row is checked: it fails, and changes nothing, when a row has no parent.
-- kind: write
-- needs: ALTER on the table, REFERENCES on the parent
-- locks: the table's writers for the whole check, the parent for a moment
-- algorithm: copy
-- names: table, changes
ALTER TABLE {table} ADD {changes}
