-- Repeat each update in the other table, where a changed key leaves its old place: see the trigger for deletions.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, on, shadow, columns, new_values, old_values, key_columns, time_column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {on} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146, 1452 BEGIN END;
  IF NOT (OLD.{key_columns} <=> NEW.{key_columns} AND OLD.{time_column} <=> NEW.{time_column}) THEN
    INSERT INTO {shadow} ({columns}) VALUES ({old_values}) ON DUPLICATE KEY UPDATE {key_columns} = OLD.{key_columns};
    DELETE FROM {shadow} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
  END IF;
  REPLACE INTO {shadow} ({columns}) VALUES ({new_values});
END
