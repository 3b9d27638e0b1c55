-- Read how full the redo log is, in percent of what it may hold before InnoDB stops every writer to flush pages: 83 % of its
-- capacity, as measured on 9.7 under more writes than could be flushed.
-- kind: read
-- needs: -
SELECT 100 * used.VARIABLE_VALUE / (0.83 * whole.VARIABLE_VALUE) AS Value
  FROM performance_schema.global_status AS used
  JOIN performance_schema.global_status AS whole ON whole.VARIABLE_NAME = 'Innodb_redo_log_capacity_resized'
 WHERE used.VARIABLE_NAME = 'Innodb_redo_log_logical_size'
