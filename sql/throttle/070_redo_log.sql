-- Read how full MariaDB's redo log is, in percent of what it may hold before InnoDB stops every writer to flush pages. A busy
-- server stays between 85 and 93 by itself (11.8 with its default of 96 MB); at 100 a copy stopped all writers for 3 to 8 seconds.
-- MySQL 9.7 flushes a little at a time then, and no writer was seen to wait for it; while it is idle it stays as full for a minute.
-- kind: read
-- needs: -
SELECT 100 * used.VARIABLE_VALUE / whole.VARIABLE_VALUE AS Value
  FROM information_schema.GLOBAL_STATUS AS used
  JOIN information_schema.GLOBAL_STATUS AS whole ON whole.VARIABLE_NAME = 'INNODB_CHECKPOINT_MAX_AGE'
 WHERE used.VARIABLE_NAME = 'INNODB_CHECKPOINT_AGE'
