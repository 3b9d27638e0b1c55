-- Delete a parent's rows with it, as ON DELETE CASCADE did. Where the table is missing, the parent's deletion goes on.
-- After the parent; before it while another table's foreign key cascades too: every other statement locks that table's rows second,
-- and in the other order deletions of parents and updates deadlock.
-- The hint keeps a table whose statistics are still those of an empty one from being read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: when, definer, trigger, table, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} {when} DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF @@SESSION.foreign_key_checks THEN
    DELETE /*+ INDEX({table} {index}) */ FROM {table} WHERE {column} = OLD.{parent_key};
  END IF;
END
