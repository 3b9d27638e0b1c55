-- Repeat each update in the old table, which has every row. Where that table is missing, the writer goes on.
-- MariaDB fires it for an UPDATE IGNORE too that it hasn't done, so the row is looked at first.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, on, table, shadow, changes, condition, key_columns, time_column
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {on} FOR EACH ROW
BEGIN
  DECLARE rlops_done BIGINT;
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  SELECT COUNT(*) INTO rlops_done FROM {table} WHERE {key_columns} = NEW.{key_columns} AND {time_column} = NEW.{time_column} AND {condition}
    LOCK IN SHARE MODE;
  IF rlops_done AND NOT (OLD.{key_columns} <=> NEW.{key_columns} AND OLD.{time_column} <=> NEW.{time_column}) THEN
    SELECT COUNT(*) = 0 INTO rlops_done FROM {table} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
  END IF;
  IF rlops_done THEN
    UPDATE {shadow} SET {changes} WHERE {key_columns} = OLD.{key_columns} AND {time_column} = OLD.{time_column};
  END IF;
END
