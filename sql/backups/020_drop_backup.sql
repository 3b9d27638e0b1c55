-- Drop one table of a backup, with all its rows.
-- kind: destroy
-- needs: DROP on the backup
-- locks: the backup, which nobody uses; the server may stall for a moment while it frees a large file
-- names: backup
DROP TABLE {backup}
