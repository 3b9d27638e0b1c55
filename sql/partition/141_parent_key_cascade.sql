-- Take a parent's rows along when its key changes, as ON UPDATE CASCADE did.
-- The hint keeps a table whose statistics are still those of an empty one from being read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF @@SESSION.foreign_key_checks AND NOT (NEW.{parent_key} <=> OLD.{parent_key}) THEN
    UPDATE /*+ INDEX({table} {index}) */ {table} SET {column} = NEW.{parent_key} WHERE {column} = OLD.{parent_key};
  END IF;
END
