-- Repeat in the other table what a parent's new key cascades to.
-- The index is named so that a table whose statistics are still those of an empty one isn't read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, shadow, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DECLARE CONTINUE HANDLER FOR 1176
    UPDATE {shadow} SET {column} = NEW.{parent_key} WHERE {column} = OLD.{parent_key};
  IF @@SESSION.foreign_key_checks AND NOT (NEW.{parent_key} <=> OLD.{parent_key}) THEN
    UPDATE {shadow} FORCE INDEX ({index}) SET {column} = NEW.{parent_key} WHERE {column} = OLD.{parent_key};
  END IF;
END
