-- Delete a parent's rows from the partitioned table before the other table's foreign key cascades.
-- That is the order in which every other statement locks the two; in the other one, deletions of parents and updates deadlock.
-- The index is named so that a table whose statistics are still those of an empty one isn't read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} BEFORE DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DECLARE CONTINUE HANDLER FOR 1176
    DELETE FROM {table} WHERE {column} = OLD.{parent_key};
  IF @@SESSION.foreign_key_checks THEN
    DELETE FROM rlops_child USING {table} AS rlops_child FORCE INDEX ({index}) WHERE rlops_child.{column} = OLD.{parent_key};
  END IF;
END
