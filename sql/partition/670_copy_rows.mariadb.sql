-- Copy rows that are locked. What a trigger has written there already is as new or newer, and stays.
-- By VALUES, since INSERT … SELECT takes the AUTO-INC lock to its end (innodb_autoinc_lock_mode=1): a writer whose trigger
-- waits for it, and who then takes it the same way, holds up and deadlocks the others.
-- Eight rows a statement; behind the last one the rows before it come once more, which are there and stay.
-- kind: write
-- needs: SELECT on the table, INSERT and UPDATE on the shadow
-- locks: these rows, for a fraction of a second
-- names: table, shadow, columns, key_columns, rows, condition
BEGIN NOT ATOMIC
  DECLARE rlops_over BOOLEAN DEFAULT FALSE;
  DECLARE rlops_source CURSOR FOR SELECT {columns} FROM {table} FORCE INDEX (PRIMARY) WHERE {condition} LOCK IN SHARE MODE;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET rlops_over = TRUE;
  BEGIN
    DECLARE rlops_row1, rlops_row2, rlops_row3, rlops_row4,
      rlops_row5, rlops_row6, rlops_row7, rlops_row8 ROW TYPE OF rlops_source;
    OPEN rlops_source;
    FETCH rlops_source INTO rlops_row1;
    SET rlops_row2 = rlops_row1, rlops_row3 = rlops_row1, rlops_row4 = rlops_row1,
        rlops_row5 = rlops_row1, rlops_row6 = rlops_row1, rlops_row7 = rlops_row1, rlops_row8 = rlops_row1;
    WHILE NOT rlops_over DO
      FETCH rlops_source INTO rlops_row2;
      FETCH rlops_source INTO rlops_row3;
      FETCH rlops_source INTO rlops_row4;
      FETCH rlops_source INTO rlops_row5;
      FETCH rlops_source INTO rlops_row6;
      FETCH rlops_source INTO rlops_row7;
      FETCH rlops_source INTO rlops_row8;
      INSERT INTO {shadow} ({columns}) VALUES {rows} ON DUPLICATE KEY UPDATE {shadow}.{key_columns} = {shadow}.{key_columns};
      FETCH rlops_source INTO rlops_row1;
    END WHILE;
  END;
END
