-- Repeat each deletion in the other table. The row is put there first: to delete one that isn't there would lock the gap
-- around it, into which others write, until the writer's commit (measured: then writers and the copy deadlock).
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, on, shadow, columns, old_values, key_columns, time_column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER DELETE ON {on} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146, 1452 BEGIN END;
  INSERT INTO {shadow} ({columns}) VALUES ({old_values}) ON DUPLICATE KEY UPDATE {key_columns} = OLD.{key_columns};
  DELETE FROM {shadow} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
END
