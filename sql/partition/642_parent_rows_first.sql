-- Lock a parent's rows, all of them before the first is deleted and repeated in the other table: else a deletion that has written
-- there and waits for a row that the copy holds, and the copy that wants to write there, deadlock (measured).
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE found BIGINT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF @@SESSION.foreign_key_checks THEN
    SELECT /*+ INDEX({table} {index}) */ COUNT(*) INTO found FROM {table} WHERE {column} = OLD.{parent_key} FOR UPDATE;
  END IF;
END
