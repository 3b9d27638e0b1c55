-- Copy rows that are locked. What a trigger has written there already is as new or newer, and stays.
-- By VALUES, since INSERT … SELECT takes the AUTO-INC lock to its end (innodb_autoinc_lock_mode=1): a writer whose trigger
-- waits for it, and who then takes it the same way, holds up and deadlocks the others.
-- kind: write
-- needs: SELECT on the table, INSERT and UPDATE on the shadow
-- locks: these rows, for a fraction of a second
-- names: table, shadow, columns, key_columns, row_values, condition
BEGIN NOT ATOMIC
  FOR rlops_row IN (SELECT {columns} FROM {table} FORCE INDEX (PRIMARY) WHERE {condition} LOCK IN SHARE MODE) DO
    INSERT INTO {shadow} ({columns}) VALUES ({row_values}) ON DUPLICATE KEY UPDATE {key_columns} = rlops_row.{key_columns};
  END FOR;
END
