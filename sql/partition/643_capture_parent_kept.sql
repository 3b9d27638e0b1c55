-- Put back into the other table what a REPLACE of the parent has let live: MySQL 9.7 cascades nothing then, but fires the triggers
-- of a deletion, and of one for each unique key that the new row hits. It keeps the rows of the parent whose key stays.
-- The parent is there again by then, as the other table's own triggers may demand. Other inserts look at a variable and no more.
-- kind: write
-- needs: TRIGGER on the parent, and to set a definer
-- locks: the parent, for a moment
-- names: definer, trigger, table, shadow, columns, column, parent, parent_key, key_columns, index, replaced
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER INSERT ON {parent} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  IF @@SESSION.foreign_key_checks AND FIND_IN_SET(CAST(NEW.{parent_key} AS BINARY), @{replaced}) THEN
    INSERT INTO {shadow} ({columns})
    SELECT /*+ INDEX(rlops_child {index}) */ {columns} FROM {table} AS rlops_child WHERE rlops_child.{column} = NEW.{parent_key} FOR UPDATE
        ON DUPLICATE KEY UPDATE {shadow}.{key_columns} = {shadow}.{key_columns};
  END IF;
END
