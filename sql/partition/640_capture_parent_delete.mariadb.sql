-- Repeat in the other table what a parent's deletion is about to cascade to: a cascade fires no trigger of the child.
-- Row by row along the primary key, each row put there first, so that no gap is locked: see the trigger for deletions.
-- By VALUES, since INSERT … SELECT takes the AUTO-INC lock to its end (innodb_autoinc_lock_mode=1), which deadlocks.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, shadow, columns, column, parent, parent_key, key_columns, time_column, row_values, index
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146, 1452 BEGIN END;
  IF @@SESSION.foreign_key_checks THEN
    FOR rlops_row IN (SELECT {columns} FROM {table} FORCE INDEX ({index}) WHERE {column} = OLD.{parent_key} FOR UPDATE) DO
      INSERT INTO {shadow} ({columns}) VALUES ({row_values}) ON DUPLICATE KEY UPDATE {key_columns} = rlops_row.{key_columns};
      DELETE FROM {shadow} WHERE {key_columns} = rlops_row.{key_columns} AND {time_column} = rlops_row.{time_column};
    END FOR;
  END IF;
END
