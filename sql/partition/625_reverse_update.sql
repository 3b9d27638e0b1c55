-- Repeat each update in the old table, which has every row. Where that table is missing, the writer goes on.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, on, shadow, changes, key_columns, time_column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {on} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  UPDATE {shadow} SET {changes} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
END
