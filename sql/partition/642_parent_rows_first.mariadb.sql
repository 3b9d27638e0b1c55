-- Lock a parent's rows, all of them before the first is deleted and repeated in the other table: else a deletion that has written
-- there and waits for a row that the copy holds, and the copy that wants to write there, deadlock (measured on MySQL).
-- The index is named so that a table whose statistics are still those of an empty one isn't read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE found BIGINT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DECLARE CONTINUE HANDLER FOR 1176
    SELECT COUNT(*) INTO found FROM {table} WHERE {column} = OLD.{parent_key} FOR UPDATE;
  IF @@SESSION.foreign_key_checks THEN
    SELECT COUNT(*) INTO found FROM {table} FORCE INDEX ({index}) WHERE {column} = OLD.{parent_key} FOR UPDATE;
  END IF;
END
