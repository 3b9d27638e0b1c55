-- Drop a backup's foreign key, so that deletions of users and products no longer reach into the backup.
-- kind: write
-- needs: ALTER on the backup
-- locks: the backup and (MySQL) the parent, for a moment; the dictionary alone changes
-- algorithm: inplace
-- names: backup, key
ALTER TABLE {backup} DROP FOREIGN KEY {key}
