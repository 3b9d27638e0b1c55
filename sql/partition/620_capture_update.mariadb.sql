-- Repeat each update in the other table, where a changed key leaves its old place: see the trigger for deletions.
-- MariaDB fires it for an UPDATE IGNORE too that it hasn't done (measured with 10.11 and 11.8), so the row is looked at first: as it
-- is now, which takes no lock that the writer hasn't got.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, on, table, shadow, columns, new_values, old_values, condition, key_columns, time_column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {on} FOR EACH ROW
BEGIN
  DECLARE rlops_done BIGINT;
  DECLARE CONTINUE HANDLER FOR 1146, 1452 BEGIN END;
  SELECT COUNT(*) INTO rlops_done FROM {table} WHERE {key_columns} = NEW.{key_columns} AND {time_column} = NEW.{time_column} AND {condition}
    LOCK IN SHARE MODE;
  IF rlops_done AND NOT (OLD.{key_columns} <=> NEW.{key_columns} AND OLD.{time_column} <=> NEW.{time_column}) THEN
    SELECT COUNT(*) = 0 INTO rlops_done FROM {table} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
  END IF;
  IF rlops_done THEN
    IF NOT (OLD.{key_columns} <=> NEW.{key_columns} AND OLD.{time_column} <=> NEW.{time_column}) THEN
      INSERT INTO {shadow} ({columns}) VALUES ({old_values}) ON DUPLICATE KEY UPDATE {key_columns} = OLD.{key_columns};
      DELETE FROM {shadow} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
    END IF;
    REPLACE INTO {shadow} ({columns}) VALUES ({new_values});
  END IF;
END
