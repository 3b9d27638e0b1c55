-- Repeat each insert in the other table, in the writer's own transaction. Where that table is missing, the writer goes on.
-- kind: write
-- needs: TRIGGER on the table, and to set a definer
-- locks: the table, for a moment
-- names: definer, trigger, on, shadow, columns, new_values
CREATE DEFINER = {definer} TRIGGER {trigger} AFTER INSERT ON {on} FOR EACH ROW
BEGIN
  DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;
  REPLACE INTO {shadow} ({columns}) VALUES ({new_values});
END
