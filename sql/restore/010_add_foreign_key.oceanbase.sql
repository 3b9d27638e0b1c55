-- Give a backup its foreign key again; OceanBase checks the rows while it does (no ALGORITHM clause).
-- kind: write
-- needs: ALTER on the backup, REFERENCES on the parent
-- locks: the backup and the parent, for a moment; nothing is copied
-- names: backup, key, columns, parent, parent_columns, on_delete, on_update
ALTER TABLE {backup}
  ADD CONSTRAINT {key} FOREIGN KEY ({columns}) REFERENCES {parent} ({parent_columns})
  {on_delete} {on_update}
