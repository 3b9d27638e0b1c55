-- Repeat each deletion in the other table.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, table, shadow, key_columns, column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER DELETE ON {table} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DELETE FROM {shadow} WHERE {key_columns} = OLD.{key_columns} AND {column} = OLD.{column};
END
