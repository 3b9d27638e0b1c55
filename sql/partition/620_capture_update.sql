-- Repeat each update in the other table, where a changed key leaves its old place.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, table, shadow, columns, new_values, key_columns, column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {table} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF NOT (OLD.{key_columns} <=> NEW.{key_columns} AND OLD.{column} <=> NEW.{column}) THEN
    DELETE FROM {shadow} WHERE {key_columns} = OLD.{key_columns} AND {column} = OLD.{column};
  END IF;
  REPLACE INTO {shadow} ({columns}) VALUES ({new_values});
END
