-- Repeat in the other table what a parent's deletion cascades to: a cascade fires no trigger of the child.
-- Not row by row along a cursor, as on MySQL: MariaDB 11.8.9 parses a trigger's cursor again after a DDL on its table, and
-- then fails the shop's DELETE (1363) or crashes (measured). The index is named so that a table whose statistics are still
-- those of an empty one isn't read, and locked, whole.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, shadow, column, parent, parent_key, index
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER DELETE ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  DECLARE CONTINUE HANDLER FOR 1176
    DELETE FROM {shadow} WHERE {column} = OLD.{parent_key};
  IF @@SESSION.foreign_key_checks THEN
    DELETE FROM rlops_copy USING {shadow} AS rlops_copy FORCE INDEX ({index}) WHERE rlops_copy.{column} = OLD.{parent_key};
  END IF;
END
