-- Repeat in the other table what a parent's new key cascades to.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, shadow, column, parent, parent_key
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF @@SESSION.foreign_key_checks AND NOT (NEW.{parent_key} <=> OLD.{parent_key}) THEN
    UPDATE {shadow} SET {column} = NEW.{parent_key} WHERE {column} = OLD.{parent_key};
  END IF;
END
