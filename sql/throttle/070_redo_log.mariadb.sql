-- Read how full the redo log is, in percent of what it may hold before InnoDB stops every writer to flush pages. A busy server
-- stays between 85 and 93 by itself (11.8 with its default of 96 MB); at 100 a copy stopped all writers for 3 to 8 seconds.
-- kind: read
-- needs: -
SELECT 100 * used.VARIABLE_VALUE / whole.VARIABLE_VALUE AS Value
  FROM information_schema.GLOBAL_STATUS AS used
  JOIN information_schema.GLOBAL_STATUS AS whole ON whole.VARIABLE_NAME = 'INNODB_CHECKPOINT_MAX_AGE'
 WHERE used.VARIABLE_NAME = 'INNODB_CHECKPOINT_AGE'
