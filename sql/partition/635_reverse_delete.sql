-- Repeat each deletion in the old table, which has every row. Where that table is missing, the writer goes on.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, on, shadow, key_columns, time_column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER DELETE ON {on} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DELETE FROM {shadow} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
END
