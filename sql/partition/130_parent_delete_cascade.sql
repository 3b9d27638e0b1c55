-- Delete a parent's rows with it, as ON DELETE CASCADE did. Where the table is missing, the parent's deletion goes on.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, column, parent, parent_key
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF @@SESSION.foreign_key_checks THEN
    DELETE FROM {table} WHERE {column} = OLD.{parent_key};
  END IF;
END
