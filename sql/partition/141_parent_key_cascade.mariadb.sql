-- Take a parent's rows along when its key changes, as ON UPDATE CASCADE did.
-- MariaDB fires it for an UPDATE IGNORE too that it hasn't done: then the parent is there with its old key.
-- The index is named so that a table whose statistics are still those of an empty one isn't read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER UPDATE ON {parent} FOR EACH ROW
BEGIN
  DECLARE rlops_left BIGINT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DECLARE CONTINUE HANDLER FOR 1176
    UPDATE {table} SET {column} = NEW.{parent_key} WHERE {column} = OLD.{parent_key};
  IF @@SESSION.foreign_key_checks AND NOT (NEW.{parent_key} <=> OLD.{parent_key}) THEN
    SELECT COUNT(*) INTO rlops_left FROM {parent} WHERE {parent_key} = OLD.{parent_key} LOCK IN SHARE MODE;
    IF rlops_left = 0 THEN
      UPDATE {table} FORCE INDEX ({index}) SET {column} = NEW.{parent_key} WHERE {column} = OLD.{parent_key};
    END IF;
  END IF;
END
