-- Give a backup its foreign key again, in place and without a scan (foreign_key_checks = 0 for this statement).
-- kind: write
-- needs: ALTER on the backup, REFERENCES on the parent
-- locks: the backup and the parent, for a moment; nothing is copied
-- algorithm: inplace
-- names: backup, key, columns, parent, parent_columns, on_delete, on_update
ALTER TABLE {backup}
  ADD CONSTRAINT {key} FOREIGN KEY ({columns}) REFERENCES {parent} ({parent_columns})
  {on_delete} {on_update},
  ALGORITHM=INPLACE
